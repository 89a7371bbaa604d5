namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of <c>bitis search</c>: the front, and its uniform rivals.</summary>
internal static class SearchSection
{
    /// <summary>Creates the section.</summary>
    public static PageSection Create(ResultNode result)
    {
        ResultNode[] points = [.. result.List("front"), .. result.List("uniform"), result["chosen"]];
        string[] groups =
        [
            .. result.List("front").Select(_ => "front"), .. result.List("uniform").Select(_ => "uniform"), "chosen",
        ];
        var original = new MeasuredPoint(
            "float32", "float32", result.Number("floatChoosingTop1"), result.Number("floatBytes"),
            result.Number("floatMs"));
        return new PageSection($"Search for {result.Text("model")}", result.File)
        {
            Facts =
            [
                ("model", $"{result.Text("model")} ({result.Text("family")})"),
                ("budget", $"at most {PageText.Number(result.Number("budget"))} points of top-1 less than float32, "
                    + $"with the least {result.Text("minimize")}"),
                ("chosen", RecipeWords.Of(result["chosen"]["recipe"])),
                ("images", $"{result.Number("choosingImages"):0} choose, "
                    + $"{result.Number("reportingImages"):0} others report"),
                ("tried", $"{result.Number("tried"):0} recipes in "
                    + Format.Duration(TimeSpan.FromSeconds(result.Number("seconds")))),
                ("written", result.TextOrNull("output")),
            ],
            Charts = MeasuredPoint.Charts(
            [
                original,
                .. points.Select((point, i) => new MeasuredPoint(
                    Name(point), groups[i], point.Number("choosingTop1"), point.Number("fileBytes"),
                    point.NumberOrNull("latencyMs") ?? point.Number("predictedMs"))),
            ]),
            Tables =
            [
                new PageTable(
                    "Recipes",
                    [
                        "recipe", "group", ">top-1 (choosing), %", ">drop, points", ">top-1 (reporting), %",
                        ">file, MB", ">ms by table", ">ms measured",
                    ],
                    [
                        .. points.Select((p, i) => (string[])
                        [
                            Name(p), groups[i], PageText.Percent(p.Number("choosingTop1")),
                            PageText.Number(p.Number("drop")), PageText.Percent(p.NumberOrNull("reportingTop1")),
                            PageText.Megabytes(p.Number("fileBytes")), PageText.Milliseconds(p.Number("predictedMs")),
                            PageText.Milliseconds(p.NumberOrNull("latencyMs")),
                        ]),
                    ]),
            ],
        };
    }

    private static string Name(ResultNode point) =>
        (point.IsTrue("isUniform") ? "" : "mixed: ") + RecipeWords.Of(point["recipe"]);
}
