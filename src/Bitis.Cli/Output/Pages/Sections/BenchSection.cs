namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of <c>bitis bench</c>.</summary>
internal static class BenchSection
{
    private const int Slowest = 20;

    /// <summary>Creates the section.</summary>
    public static PageSection Create(ResultNode result)
    {
        IReadOnlyList<ResultNode> models = result.List("models");
        ResultNode[] profile = [.. result.ListOrEmpty("profile").OrderByDescending(p => p.Number("medianMs"))];
        ResultNode[] slowest = [.. profile.Take(Slowest)];
        string[] names = [.. models.Select(model => model.Text("model"))];
        var charts = new List<PageChart>
        {
            new(
                "Latency of one image", ChartKind.Bar, new ChartAxis("model", Categories: names),
                new ChartAxis("ms"),
                [
                    Times("median", "medianMs"), Times("90 %", "p90Ms"), Times("99 %", "p99Ms"),
                ]) { Note = "Half, 90 % and 99 % of the runs took at most this long." },
        };
        if (slowest.Length > 0)
        {
            charts.Add(new PageChart(
                "Slowest operations", ChartKind.Bar,
                new ChartAxis("operation", Categories: [.. slowest.Select(p => p.Text("node"))]), new ChartAxis("ms"),
                [new ChartSeries("median", [.. slowest.Select((p, i) => new ChartPoint(i, p.Number("medianMs")))])])
            {
                Table = new PageTable(
                    "Operations", ["operation", "kind", ">ms"],
                    [
                        .. profile.Select(p => (string[])
                            [p.Text("node"), p.Text("kind"), PageText.Number(p.Number("medianMs"))]),
                    ]),
            });
        }
        return new PageSection($"Latency of {names.FirstOrDefault()}", result.File)
        {
            Facts =
            [
                ("device", $"{result.Text("device")}, {DisplayText.Count((int)result.Number("threads"), "thread")}"),
                ("batch", $"{result.Number("batch"):0}, model only, on generated images"),
                ("speed-up", result.NumberOrNull("speedUp") is { } factor
                    ? $"{Format.Factor(factor)}, the first model over the second" : null),
            ],
            Charts = charts,
            Points =
            [
                .. models.Select(m => new MeasuredPoint(
                    m.Text("model"), m.Text("model"), null, null, m.Number("medianMs"))),
            ],
        };

        ChartSeries Times(string name, string member) =>
            new(name, [.. models.Select((model, i) => new ChartPoint(i, model.Number(member)))]);
    }
}
