using Bitis.Analysis.Results;

namespace Bitis.Cli.Output.Results.Choosing;

/// <summary>The table of models side by side, as <c>compare</c> and <c>demo</c> print it.</summary>
internal static class ComparisonTable
{
    /// <summary>Writes the table. Measures that no model has get no column.</summary>
    public static void Write(Report report, IReadOnlyList<ComparedModel> models)
    {
        bool named = models.Any(
            model => model.Recipe is not null && model.Name.EndsWith(".json", StringComparison.Ordinal));
        (string Title, Func<ComparedModel, string?> Cell)[] columns =
        [
            ("recipe", model => named ? model.Name : null),
            ("bits", model => model.Bits?.ToString() ?? "float32"),
            ("scope", model => model.Scope?.ToString().ToLowerInvariant() ?? ""),
            ("method", model => model.Method ?? ""),
            (">top-1", model => Share(model.Top1)),
            (">mean IoU", model => Share(model.MeanIou)),
            (">pixels", model => Share(model.PixelAccuracy)),
            (">position, px", model => Number(model.PositionError, "0.000")),
            (">size, px", model => Number(model.SizeError, "0.000")),
            (">angle, °", model => Number(model.AngleError, "0.00")),
            (">as float32", model => Share(model.SameTop1)),
            (">file", model => Format.Bytes(model.FileBytes)),
            (">ms", model => $"{model.LatencyMs:0.000}"),
            (">speed-up", model => model.Recipe is null ? "" : Format.Factor(model.FloatLatencyMs / model.LatencyMs)),
        ];
        columns = [.. columns.Where(column => models.Any(model => column.Cell(model) is not null))];
        report.Table(
            [.. columns.Select(column => column.Title)],
            models.Select(model => (string[])[.. columns.Select(column => column.Cell(model) ?? "")]));
    }

    private static string? Share(double? value) => value is null ? null : Format.Percent(value);

    private static string? Number(double? value, string format) =>
        value?.ToString(format, System.Globalization.CultureInfo.InvariantCulture);
}
