namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of <c>bitis analyze</c>: what makes scans hard to quantize.</summary>
internal static class AnalyzeSection
{
    /// <summary>Creates the section.</summary>
    public static PageSection Create(ResultNode result)
    {
        IReadOnlyList<ResultNode> scans = result.List("scans");
        ResultNode[] decays = [.. scans.Where(scan => scan.Has("discreteA"))];
        ResultNode[] hidden = [.. scans.Where(scan => scan.Has("hiddenState"))];
        var charts = new List<PageChart>();
        if (decays.Length > 0)
        {
            charts.Add(new PageChart(
                "Distribution of Ā by scan", ChartKind.Line, new ChartAxis("Ā = exp(Δ·A)"),
                new ChartAxis("share of the values, %", Log: true), [.. decays.Select(Distribution)])
            {
                Note = "Most values of a trained model lie near 1, with a long tail below.",
            });
            charts.Add(new PageChart(
                "Skewness of Ā", ChartKind.Bar,
                new ChartAxis("scan", Categories: [.. decays.Select(scan => scan.Text("name"))]),
                new ChartAxis("skewness"),
                [
                    new ChartSeries("skewness",
                        [.. decays.Select((s, i) => new ChartPoint(i, s["discreteA"].Number("skewness")))]),
                ])
            {
                Note = "Far below 0: the long tail is below the mean, and evenly spaced levels are wasted on it.",
                Table = new PageTable(
                    "Distribution of Ā", ["scan", ">mean", ">median", ">skewness"],
                    [
                        .. decays.Select(s => (string[])
                        [
                            s.Text("name"), PageText.Number(s["discreteA"].Number("mean")),
                            PageText.Number(s["discreteA"].Number("median")),
                            PageText.Number(s["discreteA"].Number("skewness")),
                        ]),
                    ]),
            });
        }
        if (hidden.Length > 0)
        {
            charts.Add(new PageChart(
                "Largest |h| at each token", ChartKind.Line, new ChartAxis("token, in the order of the scan"),
                new ChartAxis("max |h|", Log: true), [.. hidden.Select(Magnitudes)])
            {
                Note = "Where a line moves by a factor of ten, one scale for all tokens loses most of its levels.",
            });
        }
        return new PageSection($"Scans of {result.Text("model")}", result.File)
        {
            Facts =
            [
                ("model", result.Text("model")),
                ("images", $"{result.Number("imageCount"):0} of {result.Text("images")}"),
            ],
            Charts = charts,
        };
    }

    private static ChartSeries Distribution(ResultNode scan)
    {
        IReadOnlyList<double> shares = scan["discreteA"].Numbers("histogram");
        return new ChartSeries(scan.Text("name"),
            [.. shares.Select((share, i) => new ChartPoint(
                PageText.Short((i + 0.5) / shares.Count), PageText.Short(100 * share)))]);
    }

    private static ChartSeries Magnitudes(ResultNode scan) =>
        new(scan.Text("name"), TokenCurve.OfLargest(scan["hiddenState"].Numbers("tokenMaxima")));
}
