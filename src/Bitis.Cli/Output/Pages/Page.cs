namespace Bitis.Cli.Output.Pages;

/// <summary>A page: sections that belong together.</summary>
/// <param name="Title">The title.</param>
/// <param name="Sections">The sections in their order.</param>
/// <param name="Run">The run that makes the page.</param>
internal sealed record Page(string Title, IReadOnlyList<PageSection> Sections, RunRecord Run)
{
    /// <summary>The page of several inputs: a summary of what they say of models, then the inputs.</summary>
    public static Page Of(string title, IReadOnlyList<PageSection> inputs, RunRecord run)
    {
        IReadOnlyList<MeasuredPoint> models = MeasuredPoint.Join(inputs.SelectMany(input => input.Points));
        if (models.Count < 2)
            return new Page(title, inputs, run);
        (string Title, Func<MeasuredPoint, string> Cell)[] columns =
        [
            ("model", model => model.Name),
            (">top-1, %", model => PageText.Percent(model.Accuracy)),
            (">file, MB", model => PageText.Megabytes(model.Bytes)),
            (">one image, ms", model => PageText.Milliseconds(model.Milliseconds)),
        ];
        columns = [.. columns.Where(column => models.Any(model => column.Cell(model).Length > 0))];
        var summary = new PageSection("Summary", null)
        {
            BeginsWithTables = true,
            Charts = MeasuredPoint.Charts(models),
            Tables =
            [
                new PageTable(
                    "Models", [.. columns.Select(column => column.Title)],
                    [.. models.Select(model => (string[])[.. columns.Select(column => column.Cell(model))])]),
            ],
        };
        return new Page(title, [summary, .. inputs], run);
    }
}
