namespace Bitis.Kernels.Simd;

/// <summary>A relative error of 2e-4, and 5e-4 of 1 − 2^x, for quantized models.</summary>
/// <remarks>
/// 1 − 2^x is the part of a state that is lost at a token. Its error is a tenth of the distance of two 8-bit levels,
/// however slowly the state decays.
/// </remarks>
internal readonly unsafe struct ThirdDegree : IExp2Degree
{
    /// <inheritdoc />
    public static bool IsFifth => false;

    /// <inheritdoc />
    public static float* Coefficients => PolynomialCoefficients.Exp2Third;
}
