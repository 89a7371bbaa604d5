using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Bitis.KernelHarness;
using Bitis.Kernels.Dispatch;
using Perfolizer.Horology;

namespace Bitis.Benchmarks.Microbenchmarks;

/// <summary>Times every form of every kernel with BenchmarkDotNet, on the shapes of Vision Mamba models.</summary>
internal static class KernelTimes
{
    // The runtime compiles a method anew a tenth of a second after it was found to be called often: warming up takes
    // longer.
    private const int WarmUps = 15, Iterations = 9;

    private static readonly TimeInterval Iteration = TimeInterval.FromMilliseconds(20);

    /// <summary>Measures, and prints a table.</summary>
    /// <param name="names">How the names of the forms begin; none for all.</param>
    /// <exception cref="BitisException">There is no such form.</exception>
    public static void Run(IReadOnlyList<string> names)
    {
        KernelForm[] forms = [.. FormsOf(KernelCases.OfModels(), names)];
        if (forms.Length == 0)
            throw new BitisException($"No kernel's name begins with '{string.Join("' or '", names)}'. {Operations()}");
        IEnumerable<string> sets = InstructionSets.Detected.Select(InstructionSets.NameOf);
        Console.WriteLine(
            $"instruction sets: {string.Join(", ", sets)}; one thread; medians of {Iterations} iterations");
        Console.WriteLine();
        Console.WriteLine("| kernel | size | µs | deviation | rate |");
        Console.WriteLine("|---|---|---|---|---|");
        KernelBenchmark.Forms = forms;
        DirectoryInfo folder = Directory.CreateTempSubdirectory("bitis-benchmark-");
        try
        {
            Summary summary = BenchmarkRunner.Run<KernelBenchmark>(CreateConfig(folder.FullName));
            if (summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success))
                throw new InvalidOperationException("BenchmarkDotNet could not measure all kernels.");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        Console.WriteLine();
        Console.WriteLine("A value of a scan is the update of one hidden state.");
        Console.WriteLine(
            "Integer weights are normally distributed; the largest one of each output has the highest level.");
    }

    /// <summary>The forms that this machine can run, whose names begin with one of the given ones.</summary>
    internal static IEnumerable<KernelForm> FormsOf(IEnumerable<KernelCase> cases, IReadOnlyList<string> names) =>
        from data in cases
        from kernel in data.Forms
        where names.Count == 0 || names.Any(name => kernel.Name.StartsWith(name, StringComparison.OrdinalIgnoreCase))
        select new KernelForm(data, kernel);

    /// <summary>The forms run in this process, so that they share their operands and need no further build.</summary>
    private static ManualConfig CreateConfig(string folder) => ManualConfig.CreateEmpty()
        .AddJob(Job.Default
            .WithToolchain(InProcessNoEmitToolchain.DontLogOutput)
            .WithWarmupCount(WarmUps)
            .WithIterationCount(Iterations)
            .WithIterationTime(Iteration))
        .AddLogger(NullLogger.Instance)
        .AddEventProcessor(new TableRows())
        .WithArtifactsPath(folder);

    private static string Operations()
    {
        IEnumerable<string> operations = KernelTables.All.Select(kernel => kernel.Operation).Distinct();
        return $"Operations: {string.Join(", ", operations)}.";
    }
}
