using Bitis.Kernels.Images;

namespace Bitis.Data.Resampling;

/// <summary>
/// For each output pixel along one axis: the first input pixel it draws from and the fixed-point weights of that pixel
/// and its successors. The numbers are those of Pillow's resampler.
/// </summary>
internal sealed class ResampleWeights
{
    /// <summary>Fractional bits of a weight.</summary>
    public const int PrecisionBits = PixelResampling.PrecisionBits;

    private readonly int[] _starts;
    private readonly int[] _counts;
    private readonly int[] _weights;
    private readonly int _stride;

    /// <summary>Weights for a window of the output.</summary>
    /// <param name="inputSize">Pixels of the input along the axis.</param>
    /// <param name="outputSize">Pixels of the whole output along the axis.</param>
    /// <param name="windowStart">The first output pixel that is wanted.</param>
    /// <param name="windowSize">How many output pixels are wanted.</param>
    /// <param name="interpolation">The filter.</param>
    public ResampleWeights(
        int inputSize, long outputSize, long windowStart, int windowSize, Interpolation interpolation)
    {
        double scale = (double)inputSize / outputSize;
        double filterScale = Math.Max(1, scale);
        double support = (interpolation == Interpolation.Bicubic ? 2 : 1) * filterScale;
        _stride = (int)Math.Ceiling(support) * 2 + 1;
        _starts = new int[windowSize];
        _counts = new int[windowSize];
        _weights = new int[windowSize * _stride];

        double[] exact = new double[_stride];
        for (int i = 0; i < windowSize; i++)
        {
            double center = (windowStart + i + 0.5) * scale;
            int start = Math.Max(0, (int)(center - support + 0.5));
            int end = Math.Min(inputSize, (int)(center + support + 0.5));
            _starts[i] = start;
            _counts[i] = end - start;
            double sum = 0;
            for (int x = 0; x < end - start; x++)
            {
                exact[x] = Filter(interpolation, (x + start - center + 0.5) * (1 / filterScale));
                sum += exact[x];
            }
            for (int x = 0; x < end - start; x++)
                _weights[i * _stride + x] = ToFixedPoint(sum != 0 ? exact[x] / sum : exact[x]);
        }
    }

    /// <summary>The first input pixel that any output pixel of the window draws from.</summary>
    public int InputStart => _starts[0];

    /// <summary>The end (exclusive) of the input pixels that the window draws from.</summary>
    public int InputEnd => _starts[^1] + _counts[^1];

    /// <summary>The number of output pixels.</summary>
    public int Count => _starts.Length;

    /// <summary>The first input pixel that output pixel <paramref name="i"/> of the window draws from.</summary>
    public int Start(int i) => _starts[i];

    /// <summary>The input pixels and weights of all output pixels.</summary>
    public PixelWindows Windows => new(_starts, _counts, _weights, _stride);

    /// <summary>
    /// The weights of output pixel <paramref name="i"/> of the window; they sum to about 1 &lt;&lt; PrecisionBits.
    /// </summary>
    public ReadOnlySpan<int> Weights(int i) => Windows.Weights(i);

    private static int ToFixedPoint(double weight) => (int)(weight * (1 << PrecisionBits) + (weight < 0 ? -0.5 : 0.5));

    private static double Filter(Interpolation interpolation, double x)
    {
        x = Math.Abs(x);
        if (interpolation == Interpolation.Bilinear)
            return x < 1 ? 1 - x : 0;
        const double a = -0.5;
        if (x < 1)
            return ((a + 2) * x - (a + 3)) * x * x + 1;
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }
}
