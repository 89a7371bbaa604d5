using Bitis.Analysis.Results;
using Bitis.Cli.Output.Results.Choosing;

namespace Bitis.Cli.Output.Results.Demo;

/// <summary>The result of <c>bitis demo</c>.</summary>
internal sealed record DemoResult(
    string Model,
    long Parameters,
    string CalibrationImages,
    string TestImages,
    int Threads,
    int LearningSteps,
    DemoFloatRow Float,
    IReadOnlyList<DemoRow> Rows) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Fields(
            ("model", $"{Model}, {Parameters:N0} parameters"),
            ("calibration", CalibrationImages),
            ("test", TestImages),
            ("threads", $"{Threads}"));
        report.Line();
        ComparisonTable.Write(report, [
            Compared("float32", null, Float.Top1, null, Float.FileBytes, Float.LatencyMs, Float.LatencyMs),
            .. Rows.Select(row => Compared(
                row.Method, new Recipe { Method = row.Method, Bits = row.Bits, Scope = row.Scope }, row.Top1,
                row.SameTop1, row.FileBytes, row.LatencyMs, row.FloatLatencyMs)),
        ]);
        report.Line();
        report.Line(
            "Everything was measured just now on this machine. Times are medians for one image, each in turn with "
            + "float32.");
        report.Line("Scope linear is the linear layers; ssm is the inside of the scans, too.");
        report.Line($"Methods that learn made {LearningSteps} steps a block here; 'bitis quantize' makes 100.");
        report.Line("To go on, with nothing to download:");
        report.Line();
        report.Command($"  bitis inspect  {Model}");
        report.Command(
            $"  bitis quantize {Model} --calibration builtin/train --method ptq4vm+ --bits w4a4 -o micro.bitis");
        report.Command($"  bitis eval     micro.bitis --data builtin/test --baseline {Model} --confusion");
        report.Command(
            "  bitis train    --model vim-micro --data builtin/train --validation builtin/test --epochs 5 -o run");
        report.Line();
        report.Line(
            "With a checkpoint and photographs of your own: bitis quantize model.pth --calibration photos/ -o "
            + "model.bitis");
    }

    private static ComparedModel Compared(
        string name, Recipe? recipe, double? top1, double? same, long bytes, double ms, double floatMs) => new(
        name, recipe, 0, 0, top1, null, null, null, null, null, null, same, bytes, ms, ms, floatMs, 0);
}
