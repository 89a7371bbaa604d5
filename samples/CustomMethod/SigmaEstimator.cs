using Bitis.Quantization.Calibration;
using Bitis.Quantization.Estimators;

namespace CustomMethod;

/// <summary>A range of some standard deviations around the mean, as far as there are values.</summary>
/// <param name="sigmas">How many.</param>
public sealed class SigmaEstimator(double sigmas) : IRangeEstimator
{
    /// <inheritdoc />
    public bool NeedsHistograms => true;

    /// <inheritdoc />
    public ValueRange ActivationRange(SiteStatistics statistics, int group, int bits)
    {
        ValueRange all = statistics.Range(group);
        ReadOnlySpan<int> counts = statistics.Histogram(group);
        double width = ((double)all.High - all.Low) / counts.Length, count = 0, sum = 0, squares = 0;
        for (int bin = 0; bin < counts.Length; bin++)
        {
            double value = all.Low + ((bin + 0.5) * width);
            count += counts[bin];
            sum += counts[bin] * value;
            squares += counts[bin] * value * value;
        }
        double mean = sum / count, reach = sigmas * Math.Sqrt(Math.Max((squares / count) - (mean * mean), 0));
        return new ValueRange((float)Math.Max(all.Low, mean - reach), (float)Math.Min(all.High, mean + reach));
    }

    /// <inheritdoc />
    public float WeightMagnitude(ReadOnlySpan<float> weights, int bits)
    {
        double squares = 0, largest = 0;
        foreach (float weight in weights)
        {
            squares += (double)weight * weight;
            largest = Math.Max(largest, Math.Abs(weight));
        }
        return (float)Math.Min(largest, sigmas * Math.Sqrt(squares / weights.Length));
    }
}
