namespace Bitis.Kernels.Simd;

/// <summary>A relative error of 3e-7, for float models and training.</summary>
internal readonly unsafe struct FifthDegree : IExp2Degree
{
    /// <inheritdoc />
    public static bool IsFifth => true;

    /// <inheritdoc />
    public static float* Coefficients => PolynomialCoefficients.Exp2Fifth;
}
