namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of <c>bitis search</c>: the front, and its uniform rivals.</summary>
internal static class SearchSection
{
    /// <summary>Creates the section.</summary>
    public static PageSection Create(ResultNode result)
    {
        (string Group, ResultNode Recipe)[] found =
        [
            .. result.List("front").Select(recipe => ("front", recipe)),
            .. result.List("uniform").Select(recipe => ("without overrides", recipe)),
            .. result.Has("chosen") ? [("chosen", result["chosen"])] : Array.Empty<(string, ResultNode)>(),
        ];
        bool segments = !result.Has("floatChoosingTop1");
        string measure = segments ? "mean IoU" : "top-1";
        string choosing = segments ? "choosingMeanIou" : "choosingTop1";
        string reporting = segments ? "reportingMeanIou" : "reportingTop1";
        double? accuracy = result.NumberOrNull(segments ? "floatChoosingMeanIou" : "floatChoosingTop1");
        var original = new MeasuredPoint(
            "float32", "float32", accuracy, result.Number("floatBytes"), result.Number("floatMs"));
        return new PageSection($"Search for {result.Text("model")}", result.File)
        {
            Facts =
            [
                ("model", $"{result.Text("model")} ({result.Text("family")})"),
                ("budget", $"{result.Text("budget")}, with the least {result.Text("minimize")}"),
                ("chosen", result.Has("chosen") ? RecipeWords.Of(result["chosen"]["recipe"]) : "no recipe keeps it"),
                ("images", $"{result.Number("choosingImages"):0} choose, "
                    + $"{result.Number("reportingImages"):0} others report"),
                ("float32", $"{measure} {Format.Percent(accuracy)}"),
                ("tried", $"{result.Number("tried"):0} recipes in "
                    + Format.Duration(TimeSpan.FromSeconds(result.Number("seconds")))),
                ("written", result.TextOrNull("output")),
            ],
            Charts = MeasuredPoint.Charts(
                [
                    original,
                    .. found.Select(one => new MeasuredPoint(
                        RecipeWords.Of(one.Recipe["recipe"]), one.Group, one.Recipe.NumberOrNull(choosing),
                        one.Recipe.Number("fileBytes"),
                        one.Recipe.NumberOrNull("latencyMs") ?? one.Recipe.Number("predictedMs"))),
                ],
                measure),
            Tables =
            [
                new PageTable(
                    "Recipes",
                    [
                        "recipe", "group", $">{measure} (choosing), %", ">drop, points", $">{measure} (reporting), %",
                        ">file, MB", ">ms predicted", ">ms measured",
                    ],
                    [
                        .. found.Select(one => (string[])
                        [
                            RecipeWords.Of(one.Recipe["recipe"]), one.Group,
                            PageText.Percent(one.Recipe.NumberOrNull(choosing)),
                            PageText.Number(Math.Round(one.Recipe.Number("drop"), 2)),
                            PageText.Percent(one.Recipe.NumberOrNull(reporting)),
                            PageText.Megabytes(one.Recipe.Number("fileBytes")),
                            PageText.Milliseconds(one.Recipe.Number("predictedMs")),
                            PageText.Milliseconds(one.Recipe.NumberOrNull("latencyMs")),
                        ]),
                    ]),
            ],
        };
    }
}
