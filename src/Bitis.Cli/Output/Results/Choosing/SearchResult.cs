namespace Bitis.Cli.Output.Results.Choosing;

/// <summary>The result of <c>bitis search</c>.</summary>
internal sealed record SearchResult(
    string Model,
    string Family,
    string Minimize,
    double Budget,
    string Calibration,
    int CalibrationImages,
    string Data,
    int ChoosingImages,
    int ReportingImages,
    double FloatChoosingTop1,
    double FloatReportingTop1,
    long FloatBytes,
    double FloatMs,
    IReadOnlyList<SearchPoint> Front,
    IReadOnlyList<SearchPoint> Uniform,
    SearchPoint Chosen,
    SearchPoint? BestUniform,
    int Tried,
    double Seconds,
    string? Output) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Fields(
            ("model", $"{Model} ({Family})"),
            ("budget", $"at most {Budget:0.##} points of top-1 less than float32, with the least {Minimize}"),
            ("calibration", $"{CalibrationImages} of {Calibration}"),
            ("images", $"{Data}; {ChoosingImages} choose, {ReportingImages} others report"),
            ("tried", $"{DisplayText.Count(Tried, "recipe")} in {Format.Duration(TimeSpan.FromSeconds(Seconds))}"),
            ("written", Output));
        report.Line();
        report.Line("the front (*: chosen), then uniform recipes:");
        report.Table(
            ["", "recipe", ">top-1 (choosing)", ">drop", ">top-1 (reporting)", ">file", ">ms by table", ">ms"],
            [
                [
                    "", "float32", Format.Percent(FloatChoosingTop1), "", Format.Percent(FloatReportingTop1),
                    Format.Bytes(FloatBytes), "", $"{FloatMs:0.000}",
                ],
                .. Front.Concat(Uniform).Select(Row),
            ]);
    }

    private string[] Row(SearchPoint point) =>
    [
        ReferenceEquals(point, Chosen) ? "*" : "",
        $"{(point.IsUniform ? "" : "mixed: ")}{point.Recipe.Method}, {point.Recipe.Bits}, "
        + $"{point.Recipe.Scope.ToString().ToLowerInvariant()}"
        + (point.Recipe.Overrides.Count == 0 ? "" : $", {point.Recipe.Overrides.Count} overrides"),
        Format.Percent(point.ChoosingTop1), $"{point.Drop:0.00}", Format.Percent(point.ReportingTop1),
        Format.Bytes(point.FileBytes), $"{point.PredictedMs:0.000}",
        point.LatencyMs is { } ms ? $"{ms:0.000}" : "",
    ];
}
