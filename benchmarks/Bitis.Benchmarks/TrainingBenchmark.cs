using System.Diagnostics;
using Bitis.Execution.Gradients;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Models.Vim;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Benchmarks;

/// <summary>
/// A training step (forward, loss, backward) of a Vim of width 128, depth 12, 32×32 pixels and patches of 4, or of one
/// of <see cref="SmallModels"/>: images per second, the share of each operator, what part of the float32 peak its
/// matrix products reach, and how the memory grows.
/// </summary>
internal static class TrainingBenchmark
{
    /// <summary>
    /// The official Vim in PyTorch 1.13 on two cores of this kind of machine, seconds an image; measured beforehand.
    /// </summary>
    private const double OfficialSeconds = 1.1;

    /// <summary>Multiply-adds a second of one core with AVX-512 on this kind of machine; measured beforehand.</summary>
    private const double PeakMacs = 131e9;

    private const int Batch = 128, WarmUp = 2, Runs = 9;

    private static readonly VimConfig Config = new()
    {
        ImageSize = 32,
        PatchSize = 4,
        Stride = 4,
        Width = 128,
        InnerWidth = 256,
        Depth = 12,
        DeltaRank = 8,
        Classes = 10,
    };

    public static void Run()
    {
        foreach (int threads in new[] { 1, Environment.ProcessorCount })
            MeasureTime(Config, threads);
        Console.WriteLine("memory of a step, on all processors:");
        foreach ((int batch, int size) in new[] { (32, 32), (128, 32), (512, 32), (128, 48), (128, 64) })
            MeasureMemory(batch, size);
    }

    /// <summary>Times other architectures, by their names, on one thread.</summary>
    public static void Run(IEnumerable<string> models)
    {
        foreach (string name in models)
        {
            Console.Write($"{name}: ");
            MeasureTime(SmallModels.Get(name, classes: 10), threads: 1);
        }
    }

    private static void MeasureTime(ModelConfig config, int threads)
    {
        VisionModel model = VisionModel.CreateRandom(config, seed: 1);
        (FloatTensor images, FloatTensor targets) = CreateBatch(config, Batch);
        using var executor = new GradientExecutor(model.Graph, model.Weights, threads);
        double[] seconds = new double[Runs];
        for (int run = -WarmUp; run < Runs; run++)
        {
            executor.Times = run == 0 ? new OperationTimes() : executor.Times;
            long start = Stopwatch.GetTimestamp();
            executor.Run(images, targets);
            seconds[Math.Max(run, 0)] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        Array.Sort(seconds);
        double perImage = seconds[Runs / 2] / Batch;
        Console.WriteLine(
            $"{threads} threads: {perImage * 1e3:F2} ms an image, {1 / perImage:F0} images/s, "
            + $"{OfficialSeconds / perImage:F0} times the official 1.1 s");
        double total = executor.Times!.Totals.Sum(entry => entry.Time.TotalSeconds);
        double macs = model.Graph.Nodes.Where(node => node.IsLinear).Sum(Macs);
        foreach ((string kind, bool isBackward, TimeSpan time) in executor.Times.Totals)
        {
            double milliseconds = time.TotalMilliseconds / (Runs * Batch);
            double rate = macs * (isBackward ? 2 : 1) / (milliseconds / 1e3);
            string peak = kind == "linear" ? $"  {rate / 1e9:F0} GMAC/s, {rate / PeakMacs:P0} of the peak" : "";
            Console.WriteLine($"  {kind,-18} {(isBackward ? "backward" : "forward"),-8} {milliseconds,7:F3} ms "
                + $"{time.TotalSeconds / total,6:P1}{peak}");
        }
    }

    /// <summary>How much larger the process is after a step than before: nothing is freed within one.</summary>
    private static void MeasureMemory(int batch, int size)
    {
        VimConfig config = Config with { ImageSize = size };
        VisionModel model = VisionModel.CreateRandom(config, seed: 1);
        (FloatTensor images, FloatTensor targets) = CreateBatch(config, batch);
        GC.Collect();
        long before = Environment.WorkingSet;
        using var executor = new GradientExecutor(model.Graph, model.Weights);
        executor.Run(images, targets);
        double grown = (Environment.WorkingSet - before) / (double)(1 << 20);
        Console.WriteLine(
            $"  batch {batch,3}, {config.Tokens,3} tokens: {grown:F0} MiB, "
            + $"{executor.MicroBatchBytes / (double)(1 << 20):F1} MiB of it for each thread's values");
    }

    private static double Macs(Graphs.Node node) => (double)node.Shape.ElementCount * node.Operator.Product!.Inputs;

    private static (FloatTensor Images, FloatTensor Targets) CreateBatch(ModelConfig config, int count)
    {
        var random = new SeededRandom(2);
        var images = new FloatTensor(config.InputShape.Prepend(count));
        foreach (ref float value in images.Span)
            value = (float)random.NextNormal();
        var targets = new FloatTensor([count, config.Classes]);
        for (int i = 0; i < count; i++)
            targets.Span[(i * config.Classes) + (i % config.Classes)] = 1;
        return (images, targets);
    }
}
