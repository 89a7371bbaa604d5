using System.Numerics.Tensors;
using Bitis.Quantization.Calibration;

namespace Bitis.Quantization.Estimators;

/// <summary>
/// Clips the same small share of values at both ends of an activation. Weights keep their whole range.
/// </summary>
/// <param name="percentile">
/// The share below the upper end, in percent: 99.99 clips one of ten thousand values there.
/// </param>
internal sealed class PercentileEstimator(double percentile) : IRangeEstimator
{
    public bool NeedsHistograms => true;

    public ValueRange ActivationRange(SiteStatistics statistics, int group, int bits)
    {
        ReadOnlySpan<int> counts = statistics.Histogram(group);
        ValueRange range = statistics.Range(group);
        long total = 0;
        foreach (int count in counts)
            total += count;
        double clipped = total * (1 - percentile / 100);
        double below = Quantile(counts, clipped, fromEnd: false), above = Quantile(counts, clipped, fromEnd: true);
        double binWidth = ((double)range.High - range.Low) / SiteStatistics.Bins;
        return new ValueRange((float)(range.Low + below * binWidth), (float)(range.High - above * binWidth));
    }

    public float WeightMagnitude(ReadOnlySpan<float> weights, int bits) =>
        MathF.Abs(TensorPrimitives.MaxMagnitude(weights));

    /// <summary>The position, in bins, below which <paramref name="count"/> values lie, counted from one end.</summary>
    private static double Quantile(ReadOnlySpan<int> counts, double count, bool fromEnd)
    {
        for (int i = 0; i < counts.Length; i++)
        {
            int inBin = counts[fromEnd ? counts.Length - 1 - i : i];
            if (inBin >= count && inBin > 0)
                return i + count / inBin;
            count -= inBin;
        }
        return 0;
    }
}
