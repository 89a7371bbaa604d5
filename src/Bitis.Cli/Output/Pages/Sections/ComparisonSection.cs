namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of <c>bitis compare</c> and of <c>bitis demo</c>: models side by side.</summary>
internal static class ComparisonSection
{
    /// <summary>The section of <c>bitis compare</c>.</summary>
    public static PageSection Compared(ResultNode result)
    {
        IReadOnlyList<ResultNode> models = result.List("models");
        return Create(
            result,
            $"Recipes for {result.Text("model")}",
            $"{result.Number("calibrationImages"):0} of {result.Text("calibration")}",
            result.Text("data")
                + (result.NumberOrNull("images") is { } images ? $"; {images:0} evaluated" : ""),
            [
                .. models.Select(m => new Row(
                    m.Text("name"), m.TextOrNull("method") ?? "float32", m.NumberOrNull("top1"),
                    m.NumberOrNull("sameTop1"), m.Number("fileBytes"), m.Number("latencyMs"),
                    m.NumberOrNull("floatLatencyMs"), m.NumberOrNull("meanIou"))
                {
                    PositionError = m.NumberOrNull("positionError"),
                    SizeError = m.NumberOrNull("sizeError"),
                    AngleError = m.NumberOrNull("angleError"),
                }),
            ]);
    }

    /// <summary>The section of <c>bitis demo</c>.</summary>
    public static PageSection Demo(ResultNode result)
    {
        ResultNode original = result["float"];
        return Create(
            result,
            $"Quantized models of {result.Text("model")}",
            result.Text("calibrationImages"),
            result.Text("testImages"),
            [
                new Row(
                    "float32", "float32", original.NumberOrNull("top1"), null, original.Number("fileBytes"),
                    original.Number("latencyMs"), null, null),
                .. result.List("rows").Select(row => new Row(
                    $"{row.Text("method")}, {row.Text("bits")}, {row.Text("scope")}", row.Text("method"),
                    row.NumberOrNull("top1"), row.NumberOrNull("sameTop1"), row.Number("fileBytes"),
                    row.Number("latencyMs"), row.NumberOrNull("floatLatencyMs"), null)),
            ]);
    }

    private static PageSection Create(
        ResultNode result, string title, string calibration, string data, IReadOnlyList<Row> rows)
    {
        (string Title, Func<Row, string> Cell)[] columns =
        [
            ("model", row => row.Name),
            (">top-1, %", row => PageText.Percent(row.Top1)),
            (">mean IoU, %", row => PageText.Percent(row.MeanIou)),
            (">position, pixels", row => Error(row.PositionError)),
            (">size, pixels", row => Error(row.SizeError)),
            (">angle, degrees", row => Error(row.AngleError)),
            (">as float32, %", row => PageText.Percent(row.SameTop1)),
            (">file, MB", row => PageText.Megabytes(row.Bytes)),
            (">ms", row => PageText.Milliseconds(row.Milliseconds)),
            (">speed-up", row => row.FloatMilliseconds is { } slow
                ? PageText.Number(Math.Round(slow / row.Milliseconds, 2)) : ""),
        ];
        columns = [.. columns.Where(column => rows.Any(row => column.Cell(row).Length > 0))];
        double? originalMs = rows.FirstOrDefault(row => row.FloatMilliseconds is null)?.Milliseconds;
        return new PageSection(title, result.File)
        {
            Facts =
            [
                ("model", result.Text("model")), ("calibration", calibration), ("test images", data),
                ("threads", $"{result.Number("threads"):0}"),
            ],
            Charts = MeasuredPoint.Charts(
                [
                    .. rows.Select(row => new MeasuredPoint(
                        row.Name, row.Group, row.Top1 ?? row.MeanIou, row.Bytes, row.ComparableMs(originalMs))),
                ],
                rows.Any(row => row.MeanIou is not null) ? "mean IoU" : "top-1"),
            Tables =
            [
                new PageTable(
                    "Models", [.. columns.Select(column => column.Title)],
                    [.. rows.Select(row => (string[])[.. columns.Select(column => column.Cell(row))])]),
            ],
        };
    }

    private static string Error(double? error) =>
        error is { } value ? PageText.Number(Math.Round(value, 3)) : "";

    private sealed record Row(
        string Name, string Group, double? Top1, double? SameTop1, double Bytes, double Milliseconds,
        double? FloatMilliseconds, double? MeanIou)
    {
        public double? PositionError { get; init; }

        public double? SizeError { get; init; }

        public double? AngleError { get; init; }

        /// <summary>The latency beside that of the float model, measured in turn with each row anew.</summary>
        public double ComparableMs(double? originalMs) =>
            FloatMilliseconds is { } slow && originalMs is { } original
                ? Milliseconds * original / slow
                : Milliseconds;
    }
}
