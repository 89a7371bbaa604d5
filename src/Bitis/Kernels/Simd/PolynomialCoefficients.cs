using Bitis.Kernels.Memory;

namespace Bitis.Kernels.Simd;

/// <summary>The bounds and coefficients of the exponential functions' polynomials.</summary>
internal static unsafe class PolynomialCoefficients
{
    /// <summary>How often each number of <see cref="Exp2"/> stands in a row.</summary>
    /// <remarks>A register of 256 bits loads it without a broadcast.</remarks>
    public const int Exp2Copies = 8;

    // At the Chebyshev nodes of [−1/2, 1/2].
    private static readonly NativeBuffer<float> Exp2Buffer =
        Create(Exp2Copies, [-126f, 0.00133813126f, 0.00966637861f, 0.0555038117f, 0.240223482f, 0.693147182f, 1f]);

    // The bounds; log2(e); −ln(2) in two parts, of which the first has so few bits that its product with an exponent is
    // exact.
    private static readonly NativeBuffer<float> ExpBuffer = Create(
        copies: 1,
        [
            -87f, 88f, 1.44269504f, -0.693359375f, 2.12194440e-4f, 0.00139336498f, 0.00836915523f, 0.0416664667f,
            0.166665047f, 0.5f, 1f,
        ]);

    /// <summary>The coefficients of <see cref="Exp2Polynomial{TLanes}"/>.</summary>
    public static float* Exp2 => Exp2Buffer.Pointer;

    /// <summary>The coefficients of <see cref="ExpPolynomial{TLanes}"/>.</summary>
    public static float* Exp => ExpBuffer.Pointer;

    private static NativeBuffer<float> Create(int copies, ReadOnlySpan<float> coefficients)
    {
        var buffer = new NativeBuffer<float>(coefficients.Length * copies);
        for (int i = 0; i < coefficients.Length; i++)
            buffer.Span.Slice(i * copies, copies).Fill(coefficients[i]);
        return buffer;
    }
}
