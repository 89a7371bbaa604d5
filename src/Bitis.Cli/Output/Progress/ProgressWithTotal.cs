namespace Bitis.Cli.Output.Progress;

/// <summary>Adds the total to reports of work that does not know it.</summary>
internal sealed class ProgressWithTotal(IProgress<WorkProgress> inner, long total) : IProgress<WorkProgress>
{
    public void Report(WorkProgress value) => inner.Report(value.Total > 0 ? value : value with { Total = total });
}
