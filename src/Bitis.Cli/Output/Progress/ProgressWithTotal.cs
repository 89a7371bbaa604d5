namespace Bitis.Cli.Output.Progress;

/// <summary>Fills in the total where the work itself does not know it.</summary>
internal sealed class ProgressWithTotal(IProgress<WorkProgress> inner, long total) : IProgress<WorkProgress>
{
    public void Report(WorkProgress value) => inner.Report(value.Total > 0 ? value : value with { Total = total });
}
