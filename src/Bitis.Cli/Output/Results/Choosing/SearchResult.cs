using Bitis.Analysis.Results;

namespace Bitis.Cli.Output.Results.Choosing;

/// <summary>The result of <c>bitis search</c>: the front, its rivals, and what was chosen.</summary>
internal sealed record SearchResult(
    string Model,
    string Family,
    string Budget,
    string Minimize,
    string Calibration,
    int CalibrationImages,
    string Data,
    int ChoosingImages,
    int ReportingImages,
    string? ClassMatch,
    int Threads,
    double? FloatChoosingTop1,
    double? FloatChoosingMeanIou,
    double? FloatReportingTop1,
    double? FloatReportingMeanIou,
    long FloatBytes,
    double FloatMs,
    IReadOnlyList<SearchedRecipe> Front,
    IReadOnlyList<SearchedRecipe> Uniform,
    SearchedRecipe? Chosen,
    SearchedRecipe? BestUniform,
    SearchedRecipe Nearest,
    int Tried,
    int Resumed,
    double Seconds,
    string? Output) : ICommandResult
{
    /// <summary>With fewer images to choose by, a single answer is more than a usual budget.</summary>
    private const int FewImages = 200;

    /// <summary>A budget that nothing keeps cannot be used, like other bad input.</summary>
    int ICommandResult.ExitCode => Chosen is null ? ExitCodes.BadInput : ExitCodes.Success;

    /// <inheritdoc />
    public void Describe(Report report)
    {
        string measure = FloatChoosingTop1 is null ? "mean IoU" : "top-1";
        report.Fields(
            ("model", $"{Model} ({Family})"),
            ("budget", $"{Budget}, least {Minimize}"),
            ("calibration", $"{CalibrationImages} of {Calibration}"),
            ("images", $"{Data}; {ChoosingImages} choose, {ReportingImages} others report"),
            ("classes", ClassMatch),
            ("threads", $"{Threads}"),
            (
                "float32",
                $"{measure} {Format.Percent(FloatChoosingTop1 ?? FloatChoosingMeanIou)}, {Format.Bytes(FloatBytes)}, "
                + $"{FloatMs:0.000} ms"),
            ("tried", $"{Tried} recipes in {Format.Duration(TimeSpan.FromSeconds(Seconds))}"),
            (
                "note",
                ChoosingImages < FewImages
                    ? $"one of {ChoosingImages} answers is {100.0 / ChoosingImages:0.0} points; give more --data"
                    : null),
            ("resumed", Resumed == 0 ? null : $"{DisplayText.Count(Resumed, "run")} of an earlier search"));
        report.Line();
        report.Line("Recipes without overrides, on the images that choose:");
        Table(report, Uniform, measure);
        report.Line();
        report.Line("The front:");
        Table(report, Front, measure);
        report.Line();
        if (Chosen is null)
        {
            report.Line(
                $"No recipe keeps {Budget}. The nearest has a drop of {Nearest.EstimatedDrop:0.00} points, "
                + $"{Format.Bytes(Nearest.FileBytes)} and {Nearest.LatencyMs ?? Nearest.PredictedMs:0.000} ms: "
                + $"{InWords.Of(Nearest.Recipe)}. No recipe was written.");
            return;
        }
        report.Line("On the images that report, and timed again in turn:");
        List<string[]> rows =
        [
            ["float32", Format.Percent(FloatReportingTop1 ?? FloatReportingMeanIou), "", "",
                Format.Bytes(FloatBytes), $"{FloatMs:0.000}"],
        ];
        if (BestUniform is not null && BestUniform != Chosen)
            rows.Add(Row("best uniform", BestUniform));
        rows.Add(Row("chosen", Chosen));
        report.Table(["", $">{measure}", ">drop", ">expected", ">file", ">ms"], rows);
        report.Line();
        report.Fields(
            ("chosen", InWords.Of(Chosen.Recipe)),
            ("predicted", $"{Chosen.PredictedMs:0.000} ms, measured {Chosen.LatencyMs:0.000} ms"),
            ("written", Output),
            ("note", Doubt(Chosen)));
        report.Line();
        report.Command(
            $"Next: bitis quantize {Model} --recipe {Output} --calibration IMAGES --images {CalibrationImages} "
            + "-o model.bitis");

        static string[] Row(string name, SearchedRecipe recipe) =>
        [
            name, Format.Percent(recipe.ReportingTop1 ?? recipe.ReportingMeanIou), recipe.ReportingDropInWords ?? "",
            recipe.ReportingExpectedDrop is { } expected ? $"{expected:0.00}" : "",
            Format.Bytes(recipe.FileBytes), $"{recipe.LatencyMs:0.000}",
        ];
    }

    /// <summary>What the half that had no part in the choice says against it.</summary>
    private string? Doubt(SearchedRecipe chosen) =>
        SearchBudget.Parse(Budget) is { Measure: SearchMeasure.Drop } budget
            && chosen.ReportingExpectedDrop is { } expected && expected > budget.Limit
            ? $"on the images that report, a drop of {expected:0.00} is expected, more than {Budget}: give more --data"
            : null;

    private void Table(Report report, IReadOnlyList<SearchedRecipe> recipes, string measure) => report.Table(
        ["recipe", $">{measure}", ">drop", ">estimated", ">as float32", ">file", ">predicted ms", ">ms", ""],
        recipes.Select(recipe => (string[])
        [
            recipe.Recipe.ShortName, Format.Percent(recipe.ChoosingTop1 ?? recipe.ChoosingMeanIou), recipe.DropInWords,
            $"{recipe.EstimatedDrop:0.00}", Format.Percent(recipe.SameTop1), Format.Bytes(recipe.FileBytes),
            $"{recipe.PredictedMs:0.000}", recipe.LatencyMs is { } time ? $"{time:0.000}" : "",
            Chosen?.Recipe.Equals(recipe.Recipe) == true ? "*" : "",
        ]));
}
