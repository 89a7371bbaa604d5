using Bitis.Evaluation;

namespace Bitis.Cli.Output.Parts;

/// <summary>A model's latency for one image in milliseconds, and the memory of its weights.</summary>
internal sealed record ModelLatency(
    string Model, string Kind, double MedianMs, double P10Ms, double P90Ms, double P99Ms, long WeightBytes)
{
    /// <summary>How many images pass in a second at the median.</summary>
    public double ImagesPerSecond => 1000 / MedianMs;

    public static ModelLatency Of(string model, string kind, Latency latency, long weightBytes) => new(
        model, kind, latency.Median.TotalMilliseconds, latency.P10.TotalMilliseconds, latency.P90.TotalMilliseconds,
        latency.P99.TotalMilliseconds, weightBytes);
}
