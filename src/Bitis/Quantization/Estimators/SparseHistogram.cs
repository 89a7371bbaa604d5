using Bitis.Kernels.Rounding;
using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Estimators;

/// <summary>The bins of a histogram that are not empty, as arrays that a vector loop can walk.</summary>
internal sealed class SparseHistogram
{
    private readonly float[] _centers;
    private readonly float[] _counts;
    private readonly float _binVariance;

    /// <summary>Keeps the filled bins, padded with bins of weight 0 to a whole number of vectors.</summary>
    public SparseHistogram(ReadOnlySpan<int> counts, ValueRange range)
    {
        float binWidth = range.High / counts.Length - range.Low / counts.Length;
        _binVariance = binWidth * binWidth / 12;
        int filled = counts.Length - counts.Count(0);
        int padded = RoundingError.Padded(filled);
        _centers = new float[padded];
        _counts = new float[padded];
        int next = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            if (counts[i] == 0)
                continue;
            _centers[next] = range.Low + (i + 0.5f) * binWidth;
            _counts[next++] = counts[i];
        }
    }

    /// <summary>Σ (x − x̂)² for the levels that cover a range.</summary>
    /// <remarks>
    /// A value inside the range is taken as spread evenly over its bin, which adds the bin's variance.
    /// </remarks>
    public double SquaredError(int bits, ValueRange range)
    {
        (float scale, int zeroPoint) = UniformQuantizer.AsymmetricParameters(bits, range);
        int max = UniformQuantizer.LevelsOf(bits, isSymmetric: false).Max;
        return RoundingError.Square(_centers, _counts, _binVariance, scale, -zeroPoint, max - zeroPoint);
    }
}
