namespace Bitis.Analysis.Distributions;

/// <summary>How the values of a site are spread, and the levels of its quantizer.</summary>
/// <param name="Site">The site: <c>layers.0.mixer.in_proj.weight</c>.</param>
/// <param name="Low">The start of the first bin.</param>
/// <param name="High">The end of the last bin.</param>
/// <param name="Shares">The share of the values in each of equal bins; they sum to 1.</param>
internal sealed record SiteDistribution(string Site, double Low, double High, IReadOnlyList<double> Shares)
{
    /// <summary>Bins of a histogram without levels.</summary>
    public const int Bins = 128;

    /// <summary>Where the levels are, in the unit of the bins; empty if the site is float32.</summary>
    public IReadOnlyList<double> Levels { get; init; } = [];

    /// <summary>Whether the unit is the distance of two levels, since the site has many scales.</summary>
    public bool IsInLevels { get; init; }

    /// <summary>The share of the values beyond the first and last level; null if the site is float32.</summary>
    public double? Clipped { get; init; }

    /// <summary>The middle of a bin.</summary>
    public double Middle(int bin) => Low + ((bin + 0.5) * (High - Low) / Shares.Count);

    /// <summary>The distribution of some values, without levels.</summary>
    public static SiteDistribution Of(string site, ReadOnlySpan<float> values)
    {
        double low = System.Numerics.Tensors.TensorPrimitives.Min(values);
        double high = System.Numerics.Tensors.TensorPrimitives.Max(values);
        double[] shares = new double[Bins];
        foreach (float value in values)
            shares[Bin(value, low, high)] += 1.0 / values.Length;
        return new SiteDistribution(site, low, high, shares);
    }

    private static int Bin(double value, double low, double high) =>
        high > low ? Math.Clamp((int)((value - low) / (high - low) * Bins), 0, Bins - 1) : 0;
}
