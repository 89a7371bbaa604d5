namespace Bitis.Kernels.Scan;

/// <summary>
/// Where <see cref="IntegerScanGradient"/> adds up the gradients of a quantized scan's scales, in one row of numbers.
/// </summary>
/// <param name="Channels">E.</param>
/// <param name="Tokens">L.</param>
/// <param name="Groups">The groups of tokens whose hidden states have scales of their own.</param>
internal readonly record struct ScanSums(int Channels, int Tokens, int Groups)
{
    /// <summary>∂L/∂s_u, <c>[channels]</c>.</summary>
    public const int U = 0;

    /// <summary>∂L/∂s_B, <c>[tokens]</c> in the order of the scan.</summary>
    public int B => Channels;

    /// <summary>∂L/∂s_C, likewise.</summary>
    public int C => B + Tokens;

    /// <summary>∂L/∂ the scales of h, <c>[groups, channels]</c>.</summary>
    public int HiddenState => C + Tokens;

    /// <summary>∂L/∂s_Δ.</summary>
    public int DeltaScale => HiddenState + (Groups * Channels);

    /// <summary>∂L/∂z_Δ, the zero point of levels that are spread before the softplus.</summary>
    public int DeltaZeroPoint => DeltaScale + 1;

    /// <summary>How many numbers there are.</summary>
    public int Length => DeltaZeroPoint + 1;
}
