namespace Bitis.Quantization;

/// <summary>
/// Maps a scan's B or C, <c>[tokens, states]</c>, to signed levels, <c>q = clamp(round(x/s), −(2ᵇ⁻¹ − 1), 2ᵇ⁻¹ − 1)</c>. The scale s is
/// that of the token times that of the state.
/// </summary>
public sealed class StateQuantizer
{
    /// <summary>Puts a quantizer together.</summary>
    /// <param name="bits">b.</param>
    /// <param name="tokenScales">A scale for each token, in the order in which the scan sees them, or a single one for all.</param>
    /// <param name="stateScales">What each state multiplies them by: one for each, or a single one. The scan rounds their ratios to what its integers can hold.</param>
    /// <exception cref="ArgumentException">A scale is not a positive, finite number.</exception>
    public StateQuantizer(int bits, float[] tokenScales, float[] stateScales)
    {
        ArgumentNullException.ThrowIfNull(tokenScales);
        ArgumentNullException.ThrowIfNull(stateScales);
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, UniformQuantizer.MinBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, UniformQuantizer.MaxBits);
        if (tokenScales.Length == 0 || stateScales.Length == 0 || tokenScales.Concat(stateScales).Any(scale => !(scale > 0 && float.IsFinite(scale) && float.IsFinite(1 / scale))))
            throw new ArgumentException("Scales must be positive numbers whose reciprocal is finite.", nameof(tokenScales));
        Bits = bits;
        TokenScales = tokenScales;
        StateScales = stateScales;
    }

    /// <summary>b.</summary>
    public int Bits { get; }

    /// <summary>The largest level.</summary>
    public int MaxLevel => UniformQuantizer.LevelsOf(Bits, isSymmetric: true).Max;

    /// <summary>A scale for each token, or a single one.</summary>
    public IReadOnlyList<float> TokenScales { get; }

    /// <summary>A factor for each state, or a single one.</summary>
    public IReadOnlyList<float> StateScales { get; }

    /// <summary>The scale of a token.</summary>
    public float TokenScale(int token) => TokenScales[TokenScales.Count == 1 ? 0 : token];

    /// <summary>The factor of a state.</summary>
    public float StateScale(int state) => StateScales[StateScales.Count == 1 ? 0 : state];
}
