using Bitis.Cli.Output.Parts;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis bench</c>: the model, then the baseline if there is one.</summary>
internal sealed record BenchResult(
    IReadOnlyList<ModelLatency> Models, string Device, int Threads, int Batch,
    IReadOnlyList<ProfileLine>? Profile) : ICommandResult
{
    /// <summary>The speedup of the model over the baseline, by medians; null without a baseline.</summary>
    public double? SpeedUp => Models.Count > 1 ? Models[1].MedianMs / Models[0].MedianMs : null;

    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Table(
            ["model", "kind", ">median ms/image", ">10 %", ">90 %", ">99 %", ">images/s", ">weights"],
            Models.Select(
                m =>
                    (string[])
                    [
                        m.Model, m.Kind, $"{m.MedianMs:0.000}", $"{m.P10Ms:0.000}", $"{m.P90Ms:0.000}",
                        $"{m.P99Ms:0.000}", $"{m.ImagesPerSecond:0.0}", Format.Bytes(m.WeightBytes),
                    ]));
        report.Line();
        report.Line($"{Format.Place(Device, Threads)}, batch {Batch}, model only, on generated images.");
        if (SpeedUp is { } factor)
            report.Line($"The first model is {Format.Factor(factor)} as fast as the baseline.");
        if (Profile is not null)
        {
            report.Line();
            ProfileLine.Describe(report, Profile);
        }
    }
}
