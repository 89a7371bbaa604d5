using Bitis.Analysis.Results;

namespace Bitis.Cli.Output.Results.Choosing;

/// <summary>The result of <c>bitis compare</c>: the float model, then the quantized ones.</summary>
internal sealed record CompareResult(
    string Model,
    string Family,
    long Parameters,
    string Calibration,
    int CalibrationImages,
    string Data,
    long Images,
    long Labeled,
    string? ClassMatch,
    int Threads,
    IReadOnlyList<ComparedModel> Models) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Fields(
            ("model", $"{Model} ({Family}), {Parameters:N0} parameters"),
            ("calibration", $"{CalibrationImages} of {Calibration}"),
            ("images", $"{Data}; {Images} evaluated"),
            ("classes", ClassMatch),
            ("threads", $"{Threads}"));
        report.Line();
        ComparisonTable.Write(report, Models);
        report.Line();
        report.Line("Times are medians for one image on this machine, each in turn with float32.");
    }
}
