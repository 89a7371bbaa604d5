using Bitis.Execution.Planning;

namespace Bitis.Cli.Output.Parts;

/// <summary>The time of one operation of a model.</summary>
/// <param name="Node">The graph node.</param>
/// <param name="Kind">The kind of operation.</param>
/// <param name="MedianMs">Milliseconds for an image.</param>
internal sealed record ProfileLine(string Node, string Kind, double MedianMs)
{
    private const int SlowestShown = 12;

    /// <summary>The medians of several runs of a model, in the order of the operations.</summary>
    public static IReadOnlyList<ProfileLine> Of(IReadOnlyList<IReadOnlyList<OperationTime>> runs) =>
    [
        .. runs[0].Select((operation, i) => new ProfileLine(
            operation.Node, operation.Kind,
            runs.Select(run => run[i].Time.TotalMilliseconds).Order().ElementAt(runs.Count / 2))),
    ];

    /// <summary>Writes a table of the kinds, and one of the slowest operations.</summary>
    public static void Describe(Report report, IReadOnlyList<ProfileLine> operations)
    {
        double total = operations.Sum(operation => operation.MedianMs);
        report.Table(
            ["kind", ">operations", ">ms", ">share"],
            operations.GroupBy(operation => operation.Kind).OrderByDescending(
                kind => kind.Sum(operation => operation.MedianMs)).Select(kind => (string[])
            [
                kind.Key,
                $"{kind.Count()}",
                $"{kind.Sum(operation => operation.MedianMs):0.000}",
                Format.Percent(kind.Sum(operation => operation.MedianMs) / total),
            ]));
        report.Line();
        report.Table(
            ["slowest operations", "kind", ">ms", ">share"],
            operations.OrderByDescending(
                operation => operation.MedianMs).Take(SlowestShown).Select(operation => (string[])
                [operation.Node, operation.Kind, $"{operation.MedianMs:0.000}", Format.Percent(
                    operation.MedianMs / total)]));
        if (operations.Count > SlowestShown)
            report.Line($"(and {operations.Count - SlowestShown} more; --json lists all)");
    }
}
