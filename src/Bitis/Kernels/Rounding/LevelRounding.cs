namespace Bitis.Kernels.Rounding;

/// <summary>How a value u, in units of its scale, becomes a level.</summary>
internal enum LevelRounding
{
    /// <summary>The nearest level, half to even.</summary>
    Nearest,

    /// <summary>⌊u + r⌋ with r uniform in [0, 1): the level is u on average.</summary>
    Stochastic,

    /// <summary>One of the two neighbouring powers of two, so that the level is u on average.</summary>
    /// <remarks>
    /// Below 1, the level is ±1 or 0. This is LUQ's format of one sign and three exponent bits (Chmiel et al., 2021),
    /// whose levels are integers from 1 to 64.
    /// </remarks>
    Logarithmic,
}
