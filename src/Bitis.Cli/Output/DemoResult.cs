namespace Bitis.Cli.Output;

/// <summary>What <c>bitis demo</c> measured.</summary>
internal sealed record DemoResult(
    string Model, long Parameters, int CalibrationImages, int TestImages, int Threads, IReadOnlyList<DemoRow> Rows) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Line($"{Model}; {Parameters:N0} parameters, {Format.Bytes(Parameters * sizeof(float))} in float32.");
        report.Line($"Calibrated with {CalibrationImages} generated images; compared with float32 on {TestImages} others; {Threads} thread{(Threads == 1 ? "" : "s")}.");
        report.Line();
        report.Table(
            ["bits", "method", ">same top-1", ">logit error", ">file", ">ms", ">float ms", ">speed-up"],
            Rows.Select(row => (string[])
            [
                $"{row.Bits}",
                row.Method,
                Format.Percent(row.SameTop1),
                Format.Percent(row.LogitError),
                Format.Bytes(row.FileBytes),
                $"{row.LatencyMs:0.000}",
                $"{row.FloatLatencyMs:0.000}",
                Format.Factor(row.FloatLatencyMs / row.LatencyMs),
            ]));
        report.Line();
        report.Line("The model is untrained: this shows how closely the integers follow float32, not how well anything");
        report.Line("is recognized. Everything was measured just now on this machine; times are medians for one image.");
        report.Line("With a model and images of your own:");
        report.Line();
        report.Line("  bitis inspect  model.pth");
        report.Line("  bitis quantize model.pth --calibration photos/ --bits w8a8 -o model.bitis");
        report.Line("  bitis eval     model.bitis --data photos/ --baseline model.pth");
        report.Line("  bitis classify model.bitis photo.jpg");
    }
}
