namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of <c>bitis sensitivity</c>: which sites hurt.</summary>
internal static class SensitivitySection
{
    private const int Shown = 30;

    /// <summary>Creates the section.</summary>
    public static PageSection Create(ResultNode result)
    {
        IReadOnlyList<ResultNode> sites = result.List("sites");
        ResultNode[] scored = [.. sites.Where(site => site.Has("score"))];
        IReadOnlyList<ResultNode> widths = result.ListOrEmpty("widths");
        bool several = widths.Count > 1;
        return new PageSection($"Sensitivity of {result.Text("model")}", result.File)
        {
            Facts =
            [
                ("model", $"{result.Text("model")} ({result.Text("family")})"),
                ("recipe", RecipeWords.Of(result["recipe"])),
                ("calibration", $"{result.Number("calibrationImages"):0} of {result.Text("calibration")}"),
                ("images", (result.TextOrNull("data") ?? "those of the calibration")
                    + (result.NumberOrNull("images") is { } images ? $"; {images:0} answered" : "")),
                ("top-1 in float32", result.NumberOrNull("floatTop1") is { } top1 ? Format.Percent(top1) : null),
                ("mIoU in float32", result.NumberOrNull("floatMeanIou") is { } iou ? Format.Percent(iou) : null),
                ("bits", several ? string.Join(", ", widths.Select(width => width.Text("bits"))) : null),
                ("all sites quantized", several
                    ? string.Join(", ", widths.Select(width => $"{width.Text("bits")} {Agreement(width["all"])}"))
                    : Agreement(result["all"])),
                ("rank correlation", result.NumberOrNull("rankCorrelation") is { } rho
                    ? $"{rho:0.00} between the score and exact runs, over {result.Number("exact"):0} of them" : null),
            ],
            Charts = [.. Layers(scored, several), .. Sites([.. scored.Take(Shown)], several)],
            Tables =
            [
                new PageTable(
                    "Sites, the most sensitive first",
                    [
                        "site", "kind", ">bits", ">score", ">SNR, dB", ">alone: logits, dB", ">alone: as float32, %",
                        ">left alone: logits, dB", ">left alone: as float32, %",
                    ],
                    [
                        .. sites.Select(s => (string[])
                        [
                            s.Text("site"), s.Text("kind"), $"{s.Number("bits"):0}", Optional(s, "score"),
                            Optional(s, "snrDb"), .. Effect(s, "alone"), .. Effect(s, "leftAlone"),
                        ]),
                    ]),
            ],
        };
    }

    private static IEnumerable<PageChart> Sites(ResultNode[] sites, bool several)
    {
        if (sites.Length == 0)
            yield break;
        yield return new PageChart(
            "The most sensitive sites", ChartKind.Bar,
            new ChartAxis("site", Categories: [.. sites.Select(site => WithBits(site, "site", several))]),
            new ChartAxis("score", Log: true),
            [
                .. sites.Select((site, i) => (Site: site, Index: i)).GroupBy(s => s.Site.Text("kind")).Select(
                    kind => new ChartSeries(
                        kind.Key, [.. kind.Select(s => new ChartPoint(s.Index, s.Site.Number("score")))])),
            ]);
    }

    /// <summary>The sum of the scores of each block, by kind.</summary>
    private static IEnumerable<PageChart> Layers(ResultNode[] sites, bool several)
    {
        ResultNode[] inBlocks = [.. sites.Where(site => site.Has("block"))];
        if (inBlocks.Length == 0)
            yield break;
        int[] blocks = [.. inBlocks.Select(site => (int)site.Number("block")).Distinct().Order()];
        string[] kinds = [.. inBlocks.Select(site => WithBits(site, "kind", several)).Distinct().Order()];
        yield return new PageChart(
            "Sensitivity by block", ChartKind.Heatmap,
            new ChartAxis("block", Categories: [.. blocks.Select(block => $"{block}")]),
            new ChartAxis("kind", Categories: kinds),
            [
                new ChartSeries("score",
                [
                    .. inBlocks
                        .GroupBy(s => (Block: (int)s.Number("block"), Kind: WithBits(s, "kind", several)))
                        .Select(cell => new ChartPoint(
                            Array.IndexOf(blocks, cell.Key.Block), Array.IndexOf(kinds, cell.Key.Kind),
                            cell.Sum(site => site.Number("score")))),
                ]),
            ])
        {
            Note = "The sum of the scores of a block's sites: what quantizing them does to the answers.",
        };
    }

    private static string WithBits(ResultNode site, string member, bool several) =>
        several ? $"{site.Text(member)}, {site.Number("bits"):0} bits" : site.Text(member);

    private static string Agreement(ResultNode effect) => $"{Format.Percent(effect.Number("sameTop1"))} as float32";

    private static string[] Effect(ResultNode site, string member) => site.Has(member)
        ? [Optional(site[member], "logitSnrDb"), PageText.Percent(site[member].Number("sameTop1"))]
        : ["", ""];

    private static string Optional(ResultNode node, string name) =>
        node.NumberOrNull(name) is { } value ? PageText.Number(value) : "";
}
