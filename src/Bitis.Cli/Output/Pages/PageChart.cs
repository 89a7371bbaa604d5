using System.Text.Json.Serialization;

namespace Bitis.Cli.Output.Pages;

/// <summary>A chart of a page, as data: <c>report.js</c> draws it.</summary>
/// <param name="Title">The title.</param>
/// <param name="Kind">What is drawn.</param>
/// <param name="X">The horizontal axis.</param>
/// <param name="Y">The vertical axis.</param>
/// <param name="Series">The points.</param>
internal sealed record PageChart(
    string Title, ChartKind Kind, ChartAxis X, ChartAxis Y, IReadOnlyList<ChartSeries> Series)
{
    /// <summary>One sentence that says how to read it.</summary>
    public string? Note { get; init; }

    /// <summary>Places on the horizontal axis with a line: the levels of a quantizer.</summary>
    public IReadOnlyList<double> Marks { get; init; } = [];

    /// <summary>The numbers of the chart; made of the series if there is no better one.</summary>
    [JsonIgnore]
    public PageTable? Table { get; init; }

    /// <summary>The table behind the chart.</summary>
    public PageTable TableOrPoints() =>
        Table ?? (Kind is ChartKind.Scatter or ChartKind.Heatmap ? Points() : Columns());

    private PageTable Columns()
    {
        var byX = new SortedDictionary<double, string[]>();
        for (int s = 0; s < Series.Count; s++)
        {
            foreach (ChartPoint point in Series[s].Points)
            {
                if (!byX.TryGetValue(point.X, out string[]? cells))
                    byX.Add(point.X, cells = [.. Enumerable.Repeat("", Series.Count)]);
                cells[s] = Number(point.Y);
            }
        }
        return new PageTable(
            Title,
            [Heading(X), .. Series.Select(series => ">" + series.Name)],
            [.. byX.Select(row => (string[])[Label(X, row.Key), .. row.Value])]);
    }

    private PageTable Points() => new(
        Title,
        ["name", Heading(X), Heading(Y), .. Kind == ChartKind.Heatmap ? [">value"] : Array.Empty<string>()],
        [
            .. Series.SelectMany(series => series.Points.Select(point => (string[])
            [
                point.Name ?? series.Name, Label(X, point.X), point.Y is { } y ? Label(Y, y) : "",
                .. Kind == ChartKind.Heatmap ? [Number(point.Value)] : Array.Empty<string>(),
            ])),
        ]);

    private static string Heading(ChartAxis axis) => axis.Categories is null ? ">" + axis.Name : axis.Name;

    private static string Label(ChartAxis axis, double value) =>
        axis.Categories is { } names ? names[(int)value] : Number(value);

    private static string Number(double? value) => value is { } number ? PageText.Number(number) : "";
}
