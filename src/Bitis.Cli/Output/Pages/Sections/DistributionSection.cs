using Bitis.Analysis.Distributions;

namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of a model's weights and inputs, with the levels of its quantizers.</summary>
internal static class DistributionSection
{
    /// <summary>More levels than this are too close to be drawn; then the first and the last are.</summary>
    private const int MostMarks = 32;

    /// <summary>Creates the section.</summary>
    /// <param name="reference">The model.</param>
    /// <param name="kind">Its family and number format.</param>
    /// <param name="images">The images that passed through it.</param>
    /// <param name="values">What was found.</param>
    public static PageSection Create(string reference, string kind, string images, ModelDistributions values) =>
        new($"Values of {reference}", reference)
        {
            Facts = [("model", $"{reference} ({kind})"), ("images", images)],
            Choices =
            [
                .. Choice("Weights", "Layer", values.Weights.Select(Histogram)),
                .. Choice("Inputs of layers", "Layer", values.Inputs.Select(Histogram)),
                .. Choice("Range of the input at each token", "Layer", values.Tokens.Select(Range)),
                .. Choice("Inside of scans", "Site", values.Scans.Select(Histogram)),
            ],
            Tables = [.. Clipped([.. values.Inputs, .. values.Scans])],
        };

    private static IEnumerable<PageChoice> Choice(string title, string label, IEnumerable<PageChart> charts)
    {
        PageChart[] all = [.. charts];
        if (all.Length > 0)
            yield return new PageChoice(title, label, all);
    }

    private static PageChart Histogram(SiteDistribution site)
    {
        bool drawsAll = site.Levels.Count <= MostMarks;
        return new PageChart(
            site.Site, ChartKind.Histogram,
            new ChartAxis(site.IsInLevels ? "level: the value divided by its scale" : "value"),
            new ChartAxis("share of the values, %", Log: true),
            [
                new ChartSeries(
                    "share",
                    [
                        .. site.Shares.Select((share, i) => new ChartPoint(
                            PageText.Short(site.Middle(i)), PageText.Short(100 * share))),
                    ]),
            ])
        {
            Marks = [.. (drawsAll ? site.Levels : [site.Levels[0], site.Levels[^1]]).Select(PageText.Short)],
            Note = site.Levels.Count == 0 ? null
                : drawsAll ? "Dashed lines are the levels to which values are rounded."
                : $"Dashed lines are the first and the last of {site.Levels.Count} levels.",
        };
    }

    private static PageChart Range(TokenRange range) => new(
        range.Layer, ChartKind.Line, new ChartAxis("token"), new ChartAxis("value"),
        [
            new ChartSeries("largest", TokenCurve.OfLargest(range.High.Select(value => (double)value))),
            new ChartSeries("smallest", TokenCurve.OfSmallest(range.Low.Select(value => (double)value))),
        ])
    {
        Note = "Where the range moves along the tokens, a scale for each of them fits better.",
    };

    private static IEnumerable<PageTable> Clipped(IReadOnlyList<SiteDistribution> sites)
    {
        SiteDistribution[] clipped = [.. sites.Where(i => i.Clipped > 0).OrderByDescending(i => i.Clipped)];
        if (clipped.Length == 0)
            yield break;
        yield return new PageTable(
            "Values beyond the first and the last level", ["site", ">share, %"],
            [.. clipped.Select(input => (string[])[input.Site, PageText.Number(100 * input.Clipped!.Value)])]);
    }
}
