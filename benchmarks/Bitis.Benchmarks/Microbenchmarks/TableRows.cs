using BenchmarkDotNet.EventProcessors;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Bitis.Benchmarks.Microbenchmarks;

/// <summary>Prints a row of the table as soon as a form is measured.</summary>
internal sealed class TableRows : EventProcessor
{
    /// <inheritdoc />
    public override void OnEndRunBenchmark(BenchmarkCase benchmarkCase, BenchmarkReport report)
    {
        var form = (KernelForm)benchmarkCase.Parameters[nameof(KernelBenchmark.Form)];
        if (report.ResultStatistics is not { } times)
        {
            Console.WriteLine($"| {form.Name} | {form.Size} | failed | | |");
            return;
        }
        string spread = FormattableString.Invariant($"{times.StandardDeviation / times.Mean:P1}");
        string median = FormattableString.Invariant($"{times.Median / 1e3:F1}");
        Console.WriteLine($"| {form.Name} | {form.Size} | {median} | {spread} | {form.Rate(times.Median)} |");
    }
}
