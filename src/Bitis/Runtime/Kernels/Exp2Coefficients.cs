namespace Bitis.Runtime.Kernels;

/// <summary>
/// Where <see cref="Exp2Polynomial{TLanes}"/> reads its coefficients: the interpolation of 2^f at the Chebyshev nodes of
/// [−1/2, 1/2], behind the smallest exponent and the number that rounds.
/// </summary>
internal static unsafe class Exp2Coefficients
{
    private static readonly NativeBuffer<float> Buffer = Create();

    /// <summary>The first of the coefficients.</summary>
    public static float* Pointer => Buffer.Pointer;

    private static NativeBuffer<float> Create()
    {
        ReadOnlySpan<float> coefficients = [-126f, 0.00133813126f, 0.00966637861f, 0.0555038117f, 0.240223482f, 0.693147182f, 1f];
        var buffer = new NativeBuffer<float>(coefficients.Length);
        coefficients.CopyTo(buffer.Span);
        return buffer;
    }
}
