namespace Bitis.Kernels.Simd;

/// <summary>How accurate <see cref="Exp2Polynomial{TLanes, TDegree}"/> is.</summary>
internal unsafe interface IExp2Degree
{
    /// <summary>Whether the polynomial is of the fifth degree; else it is of the third.</summary>
    static abstract bool IsFifth { get; }

    /// <summary>The lower bound of the exponent, then the coefficients from the highest power down to 1.</summary>
    /// <remarks>Each stands there <see cref="PolynomialCoefficients.Exp2Copies"/> times.</remarks>
    static abstract float* Coefficients { get; }
}
