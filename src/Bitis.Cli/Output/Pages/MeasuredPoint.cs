namespace Bitis.Cli.Output.Pages;

/// <summary>What an input tells of a model; null where it does not.</summary>
/// <param name="Name">The model.</param>
/// <param name="Group">Models of a group have one colour.</param>
/// <param name="Accuracy">Top-1 or another accuracy, 0 to 1.</param>
/// <param name="Bytes">The size of its file.</param>
/// <param name="Milliseconds">The latency of one image.</param>
internal sealed record MeasuredPoint(string Name, string Group, double? Accuracy, double? Bytes, double? Milliseconds)
{
    /// <summary>Joins what several inputs tell of one model.</summary>
    public static IReadOnlyList<MeasuredPoint> Join(IEnumerable<MeasuredPoint> points) =>
    [
        .. points.GroupBy(point => point.Name).Select(group => new MeasuredPoint(
            group.Key,
            group.First().Group,
            group.Select(point => point.Accuracy).LastOrDefault(value => value is not null),
            group.Select(point => point.Bytes).LastOrDefault(value => value is not null),
            group.Select(point => point.Milliseconds).LastOrDefault(value => value is not null))),
    ];

    /// <summary>Accuracy against size and against latency, where at least two models have both.</summary>
    public static IReadOnlyList<PageChart> Charts(IReadOnlyList<MeasuredPoint> points, string measure = "top-1") =>
    [
        .. Chart(points, "Accuracy against size", "file, MB", measure, point => point.Bytes / 1e6),
        .. Chart(points, "Accuracy against latency", "one image, ms", measure, point => point.Milliseconds),
    ];

    private static IEnumerable<PageChart> Chart(
        IReadOnlyList<MeasuredPoint> points, string title, string axis, string measure,
        Func<MeasuredPoint, double?> x)
    {
        MeasuredPoint[] known = [.. points.Where(point => point.Accuracy is not null && x(point) is not null)];
        if (known.Length < 2)
            yield break;
        yield return new PageChart(
            title, ChartKind.Scatter, new ChartAxis(axis), new ChartAxis($"{measure}, %"),
            [
                .. known.GroupBy(point => point.Group).Select(group => new ChartSeries(
                    group.Key,
                    [
                        .. group.Select(point =>
                            new ChartPoint(x(point)!.Value, 100 * point.Accuracy, Name: point.Name)),
                    ])),
            ])
        {
            Note = "Further up is more accurate, further left is better.",
        };
    }
}
