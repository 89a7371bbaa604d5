using Bitis.Quantization.Scans;

namespace Bitis.Cli.Output.Parts;

/// <summary>How a scan's discrete parameters Ā are distributed between 0 and 1.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Median">The median: QMamba quantizes with LtSQ where it is above a threshold.</param>
/// <param name="Skewness">E[(Ā − μ)³]/σ³: negative where a long tail lies below.</param>
/// <param name="Quantiles">The values below which 1, 5, 25, 50, 75, 95 and 99 % lie.</param>
/// <param name="Histogram">The share of the values in each of 50 equal bins from 0 to 1.</param>
internal sealed record DecayReport(
    double Mean, double Median, double Skewness, IReadOnlyList<double> Quantiles, IReadOnlyList<double> Histogram)
{
    private const int Bins = 50;

    /// <summary>The shares of <see cref="Quantiles"/>.</summary>
    public static IReadOnlyList<double> Shares { get; } = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

    /// <summary>The report of a scan.</summary>
    public static DecayReport Of(ScanStatistics scan)
    {
        double[] histogram = new double[Bins];
        double total = 0;
        for (int i = 0; i < ScanStatistics.Bins; i++)
        {
            histogram[i * Bins / ScanStatistics.Bins] += scan.DecayHistogram[i];
            total += scan.DecayHistogram[i];
        }
        return new DecayReport(
            scan.DecayMean,
            scan.DecayQuantile(0.5),
            scan.DecaySkewness,
            [.. Shares.Select(scan.DecayQuantile)],
            Array.ConvertAll(histogram, count => count / total));
    }
}
