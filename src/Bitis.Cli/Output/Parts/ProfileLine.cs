using Bitis.Execution.Planning;

namespace Bitis.Cli.Output.Parts;

/// <summary>How long a step of a model takes.</summary>
/// <param name="Node">The graph node.</param>
/// <param name="Kind">What the step does.</param>
/// <param name="MedianMs">Milliseconds for an image.</param>
internal sealed record ProfileLine(string Node, string Kind, double MedianMs)
{
    private const int SlowestShown = 12;

    /// <summary>The medians of several runs of a model, in the order of the steps.</summary>
    public static IReadOnlyList<ProfileLine> Of(IReadOnlyList<IReadOnlyList<OperationTime>> runs) =>
    [
        .. runs[0].Select((step, i) => new ProfileLine(
            step.Node, step.Kind, runs.Select(run => run[i].Time.TotalMilliseconds).Order().ElementAt(runs.Count / 2))),
    ];

    /// <summary>A table of the kinds, and one of the slowest steps.</summary>
    public static void Describe(Report report, IReadOnlyList<ProfileLine> steps)
    {
        double total = steps.Sum(step => step.MedianMs);
        report.Table(
            ["kind", ">steps", ">ms", ">share"],
            steps.GroupBy(step => step.Kind).OrderByDescending(
                kind => kind.Sum(step => step.MedianMs)).Select(kind => (string[])
            [
                kind.Key,
                $"{kind.Count()}",
                $"{kind.Sum(step => step.MedianMs):0.000}",
                Format.Percent(kind.Sum(step => step.MedianMs) / total),
            ]));
        report.Line();
        report.Table(
            ["slowest steps", "kind", ">ms", ">share"],
            steps.OrderByDescending(step => step.MedianMs).Take(SlowestShown).Select(step => (string[])
                [step.Node, step.Kind, $"{step.MedianMs:0.000}", Format.Percent(step.MedianMs / total)]));
        if (steps.Count > SlowestShown)
            report.Line($"(and {steps.Count - SlowestShown} more; --json lists all)");
    }
}
