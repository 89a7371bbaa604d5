using Bitis.Cli.Input;
using Bitis.Cli.Output.Parts;
using Bitis.Evaluation;
using Bitis.Execution.Sessions;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis eval</c> for a model that segments. Shares are 0 to 1.</summary>
internal sealed record SegmentationReport(
    string Model,
    string Kind,
    string Data,
    long Images,
    long Skipped,
    long Pixels,
    double? MeanIou,
    double? MeanAccuracy,
    double? PixelAccuracy,
    double ImagesPerSecond,
    string Device,
    int Threads,
    IReadOnlyList<ClassIou> Classes) : ICommandResult
{
    /// <summary>Creates the report of an evaluation.</summary>
    public static SegmentationReport Of(
        LoadedModel model, string data, SegmentationScores scores, long skipped, TimeSpan time, int threads) => new(
        model.Reference,
        model.KindIn("float32"),
        data,
        scores.Images,
        skipped,
        scores.Pixels,
        scores.MeanIou,
        scores.MeanAccuracy,
        scores.PixelAccuracy,
        scores.Images / time.TotalSeconds,
        CpuEngine.DeviceName,
        threads,
        [
            .. Enumerable.Range(0, model.Config.Classes).Select(i => new ClassIou(
                i, model.ClassNames?[i] ?? $"{i}", scores.PixelsOf(i), scores.ClassIou(i), scores.ClassAccuracy(i))),
        ]);

    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Fields(
        [
            ("model", $"{Model} ({Kind})"),
            ("images", $"{Data}; {Images} evaluated, {Format.Count(Pixels)} labeled pixels"),
            ("left out", Format.Undecodable(Skipped)),
            ("mean IoU", Format.Accuracy(MeanIou)),
            ("pixel accuracy", Format.Accuracy(PixelAccuracy)),
            ("mean accuracy", Format.Accuracy(MeanAccuracy)),
            ("speed", $"{ImagesPerSecond:0.00} images/s on {DisplayText.Count(Threads, "thread")}"),
        ]);
        report.Line();
        report.Table(
            ["class", ">pixels", ">IoU", ">accuracy"],
            Classes.Select(c => (string[])[c.Name, $"{c.Pixels}", Format.Percent(c.Iou), Format.Percent(c.Accuracy)]));
    }
}
