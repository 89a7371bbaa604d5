using System.Text.Json.Serialization;
using Bitis.Cli.Output.Parts;
using Bitis.Quantization.Calibration;
using Bitis.Reconstruction;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis quantize</c>.</summary>
internal sealed record QuantizeResult(
    string Output,
    string Model,
    string Family,
    Recipe Recipe,
    CalibrationDigest Calibration,
    int Skipped,
    string? ClassMatch,
    IReadOnlyList<LayerSummary> Layers,
    int Scans,
    IReadOnlyList<string> LeftAlone,
    IReadOnlyList<BlockRecord> Blocks,
    long FileBytes,
    long Float32Bytes,
    double Seconds,
    long? PeakMemoryBytes,
    [property: JsonIgnore] string? Next) : ICommandResult
{
    public void Describe(Report report)
    {
        report.Fields(
            (
                "written",
                $"{Output}, {Format.Bytes(FileBytes)}: {Format.Percent((double)FileBytes / Float32Bytes)} of "
                + $"float32's {Format.Bytes(Float32Bytes)}"),
            ("model", $"{Model} ({Family})"),
            ("method", InWords.Of(Recipe)),
            ("layers", LayerSummary.Describe(Layers)),
            ("scans", InWords.OfScans(Scans, Recipe)),
            ("left alone by overrides", LeftAlone.Count == 0 ? null : $"{LeftAlone.Count}: {InWords.Of(LeftAlone)}"),
            ("calibration", DisplayText.Count(Calibration.Images, "image")),
            ("left out", Format.Undecodable(Skipped)),
            ("classes", ClassMatch),
            ("time", Format.Duration(TimeSpan.FromSeconds(Seconds))),
            ("peak memory", PeakMemoryBytes is { } bytes ? Format.Bytes(bytes) : null));
        if (Blocks.Any(block => block.Steps > 0))
        {
            report.Line();
            report.Table(
                ["block", "loss before", "loss after", "steps", "time"],
                Blocks.Select(block => (string[])
                [
                    $"{block.Block}", $"{block.LossBefore:G4}", $"{block.LossAfter:G4}", $"{block.Steps}",
                    Format.Duration(TimeSpan.FromSeconds(block.Seconds)),
                ]));
        }
        if (Next is null)
            return;
        report.Line();
        report.Command($"Next: {Next}");
    }
}
