using Bitis.Evaluation;

namespace Bitis.Cli.Output.Parts;

/// <summary>
/// How long a model takes for an image, in milliseconds, and what its layers' weights take in memory.
/// </summary>
internal sealed record ModelLatency(
    string Model, string Kind, double MedianMs, double P10Ms, double P90Ms, long WeightBytes)
{
    public static ModelLatency Of(string model, string kind, Latency latency, long weightBytes) => new(
        model, kind, latency.Median.TotalMilliseconds, latency.P10.TotalMilliseconds, latency.P90.TotalMilliseconds,
            weightBytes);
}
