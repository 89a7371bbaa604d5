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
        double? accuracy = result.NumberOrNull(segments ? "floatChoosingMeanIou" : "floatChoosingTop1");
        double? elsewhere = result.NumberOrNull(segments ? "floatReportingMeanIou" : "floatReportingTop1");
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
                ("float32", $"{measure} {Format.Percent(accuracy)} of the images that choose"
                    + (elsewhere is null ? "" : $", {Format.Percent(elsewhere)} of those that report")),
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
                $"{measure} of the images that choose"),
            Tables =
            [
                new PageTable(
                    "On the images that choose",
                    [
                        "recipe", "group", $">{measure}, %", ">drop, points", ">estimated drop (limited by budget)",
                        ">as float32, %", ">file, MB", ">ms predicted", ">ms measured",
                    ],
                    [
                        .. found.Select(one => (string[])
                        [
                            RecipeWords.Of(one.Recipe["recipe"]), one.Group,
                            PageText.Percent(one.Recipe.NumberOrNull(choosing)), Drop(one.Recipe, "drop"),
                            Points(one.Recipe.NumberOrNull("estimatedDrop")),
                            PageText.Percent(one.Recipe.NumberOrNull("sameTop1")),
                            PageText.Megabytes(one.Recipe.Number("fileBytes")),
                            PageText.Milliseconds(one.Recipe.Number("predictedMs")),
                            PageText.Milliseconds(one.Recipe.NumberOrNull("latencyMs")),
                        ]),
                    ]),
                .. elsewhere is { } others ? [Reporting(result, measure, others)] : Array.Empty<PageTable>(),
            ],
        };
    }

    /// <summary>What the chosen recipe is worth: on images that had no part in choosing it.</summary>
    private static PageTable Reporting(ResultNode result, string measure, double accuracy)
    {
        string score = measure == "top-1" ? "reportingTop1" : "reportingMeanIou";
        (string Name, string Key)[] recipes = [("best without overrides", "bestUniform"), ("chosen", "chosen")];
        return new PageTable(
            "On the images that report",
            ["recipe", "", $">{measure}, %", ">drop, points", ">expected drop", ">file, MB", ">ms measured"],
            [
                [
                    "float32", "", PageText.Percent(accuracy), "", "", PageText.Megabytes(result.Number("floatBytes")),
                    PageText.Milliseconds(result.Number("floatMs")),
                ],
                .. recipes.Where(one => result.Has(one.Key)).Select(one => (one.Name, Recipe: result[one.Key])).Select(
                    one => (string[])
                [
                    RecipeWords.Of(one.Recipe["recipe"]), one.Name, PageText.Percent(one.Recipe.NumberOrNull(score)),
                    Drop(one.Recipe, "reportingDrop"), Points(one.Recipe.NumberOrNull("reportingExpectedDrop")),
                    PageText.Megabytes(one.Recipe.Number("fileBytes")),
                    PageText.Milliseconds(one.Recipe.NumberOrNull("latencyMs")),
                ]),
            ]);
    }

    /// <summary>A drop with its standard error.</summary>
    private static string Drop(ResultNode recipe, string key)
    {
        string drop = Points(recipe.NumberOrNull(key));
        return recipe.NumberOrNull($"{key}Error") is { } error ? $"{drop} ± {Points(error)}" : drop;
    }

    private static string Points(double? points) => points is null ? "" : PageText.Number(Math.Round(points.Value, 2));
}
