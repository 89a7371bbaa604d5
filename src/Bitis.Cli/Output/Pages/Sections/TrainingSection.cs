namespace Bitis.Cli.Output.Pages.Sections;

/// <summary>The section of a training's log.</summary>
internal static class TrainingSection
{
    /// <summary>Creates the section.</summary>
    public static PageSection Create(ResultNode result)
    {
        IReadOnlyList<ResultNode> epochs = result.List("epochs");
        ResultNode recipe = result["identity"]["recipe"];
        if (epochs.Count == 0)
            throw BitisException.InFile(result.File, "this training has no finished epoch yet.");
        ResultNode last = epochs[^1];
        double? best = epochs.Max(epoch => epoch.NumberOrNull("validationTop1"));
        return new PageSection("Training", result.File)
        {
            Facts =
            [
                ("model", recipe.TextOrNull("model")),
                ("images", $"{result["identity"]["training"].Number("images"):0}"),
                ("epochs", $"{last.Number("epoch"):0} of {recipe.Number("epochs"):0}"),
                ("batch", $"{recipe.Number("batchSize"):0}"),
                ("loss", $"{last.Number("trainLoss"):0.0000} in the last epoch"),
                ("best top-1", best is null ? null : $"{Format.Percent(best)} on validation images"),
                ("time", Format.Duration(TimeSpan.FromSeconds(epochs.Sum(epoch => epoch.Number("seconds"))))),
            ],
            Charts =
            [
                .. Chart(epochs, "Loss", "loss", false, 1, ("training", "trainLoss"), ("validation", "validationLoss")),
                .. Chart(epochs, "Accuracy", "%", false, 100, ("training, augmented", "trainTop1"),
                    ("validation", "validationTop1"), ("training pixels", "trainPixelAccuracy"),
                    ("mean IoU", "validationMeanIou"), ("validation pixels", "validationPixelAccuracy")),
                .. Chart(epochs, "Learning rate", "learning rate", false, 1, ("learning rate", "learningRate")),
                .. Chart(epochs, "Norm of the gradient", "norm", true, 1, ("norm", "gradientNorm")),
            ],
        };
    }

    private static IEnumerable<PageChart> Chart(
        IReadOnlyList<ResultNode> epochs, string title, string axis, bool log, double factor,
        params (string Name, string Member)[] lines)
    {
        ChartSeries[] series =
        [
            .. lines.Select(line => new ChartSeries(line.Name,
            [
                .. epochs.Where(epoch => epoch.Has(line.Member)).Select(
                    epoch => new ChartPoint(epoch.Number("epoch"), factor * epoch.Number(line.Member))),
            ])).Where(line => line.Points.Count > 0),
        ];
        if (series.Length > 0)
            yield return new PageChart(title, ChartKind.Line, new ChartAxis("epoch"), new ChartAxis(axis, log), series);
    }
}
