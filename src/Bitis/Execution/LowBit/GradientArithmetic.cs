using Bitis.Kernels.Rounding;

namespace Bitis.Execution.LowBit;

/// <summary>How one of the two products of a layer's backward pass is computed.</summary>
/// <param name="Bits">The bits of the operands; 32 for float32.</param>
/// <param name="Rounding">How the gradient of the output becomes levels.</param>
/// <param name="Hadamard">Whether the channels of both operands are transformed first, which spreads outliers.</param>
/// <param name="LowRank">Whether the tokens of each block are reduced to some coefficients of their transform.</param>
internal sealed record GradientArithmetic(
    int Bits = GradientArithmetic.FloatBits,
    LevelRounding Rounding = LevelRounding.Stochastic,
    bool Hadamard = false,
    bool LowRank = false)
{
    /// <summary>The bits of a float32.</summary>
    public const int FloatBits = 32;

    /// <summary>The exact product.</summary>
    public static GradientArithmetic Exact { get; } = new();

    /// <summary>Whether operands are integers.</summary>
    public bool IsInteger => Bits < FloatBits;

    /// <summary>Whether levels are integers at equal distances, not powers of two.</summary>
    public bool HasUniformLevels => IsInteger && Rounding != LevelRounding.Logarithmic;

    /// <summary>Whether nothing is approximated.</summary>
    public bool IsExact => !IsInteger && !LowRank;

    /// <summary>The largest level of the output's gradient.</summary>
    public int MaxGradientLevel =>
        Rounding == LevelRounding.Logarithmic ? StochasticRounding.LargestPower : Levels.MaxLevel(Bits);
}
