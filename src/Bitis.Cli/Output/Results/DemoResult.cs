namespace Bitis.Cli.Output.Results;

/// <summary>What <c>bitis demo</c> measured.</summary>
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
        report.Table(
            ["bits", "scope", "method", ">top-1", ">as float32", ">file", ">ms", ">speed-up"],
            [
                [
                    "float32", "", "", Format.Percent(Float.Top1), "", Format.Bytes(Float.FileBytes),
                    $"{Float.LatencyMs:0.000}", "",
                ],
                .. Rows.Select(row => (string[])
                [
                    $"{row.Bits}",
                    row.Scope.ToString().ToLowerInvariant(),
                    row.Method,
                    Format.Percent(row.Top1),
                    Format.Percent(row.SameTop1),
                    Format.Bytes(row.FileBytes),
                    $"{row.LatencyMs:0.000}",
                    Format.Factor(row.FloatLatencyMs / row.LatencyMs),
                ]),
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
}
