namespace Bitis.Kernels.Rounding;

/// <summary>
/// The quantization parameters of an activation <c>[tokens, channels]</c>: one per token, or one for all.
/// </summary>
/// <remarks>The value of an integer q is <c>scale·(q − zeroPoint)</c>.</remarks>
/// <param name="scales">The scale of token m is <c>scales[m·stride]</c>.</param>
/// <param name="zeroPoints">The zero point of token m, from 0 to 255, is <c>zeroPoints[m·stride]</c>.</param>
/// <param name="stride">1 for parameters per token, 0 for one set of them.</param>
internal readonly unsafe struct TokenParameters(float* scales, int* zeroPoints, int stride)
{
    /// <summary>The scale of the first token.</summary>
    public float* Scales => scales;

    /// <summary>The zero point of the first token.</summary>
    public int* ZeroPoints => zeroPoints;

    /// <summary>1 for parameters per token, 0 for one set of them.</summary>
    public int Stride => stride;

    /// <summary>The distance of neighbouring levels of a token.</summary>
    public float Scale(int token) => scales[(nint)token * stride];

    /// <summary>The zero point of a token.</summary>
    public int ZeroPoint(int token) => zeroPoints[(nint)token * stride];
}
