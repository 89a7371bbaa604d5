using BenchmarkDotNet.Attributes;

namespace Bitis.Benchmarks.Microbenchmarks;

/// <summary>What BenchmarkDotNet measures: one run of one form.</summary>
public class KernelBenchmark
{
    /// <summary>The forms to measure.</summary>
    public static IEnumerable<KernelForm> Forms { get; internal set; } = [];

    /// <summary>The form at hand.</summary>
    [ParamsSource(nameof(Forms))]
    public KernelForm? Form { get; set; }

    /// <summary>One run.</summary>
    [Benchmark]
    public void Run() => Form!.Run();

    /// <summary>Frees the operands.</summary>
    [GlobalCleanup]
    public void Free() => Form!.Free();
}
