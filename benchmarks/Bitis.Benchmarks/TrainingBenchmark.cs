using System.Diagnostics;
using Bitis.Models;
using Bitis.Runtime;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Benchmarks;

/// <summary>
/// A training step (forward, loss, backward) of a Vim of width 128, depth 12, 32×32 pixels and patches of 4: images per
/// second, the share of each operator, and what part of the float32 peak its matrix products reach.
/// </summary>
internal static class TrainingBenchmark
{
    /// <summary>The official Vim in PyTorch 1.13 on two cores of this kind of machine, seconds an image; measured beforehand.</summary>
    private const double OfficialSeconds = 1.1;

    private const int Batch = 128, WarmUp = 2, Runs = 9;

    public static void Run()
    {
        var config = new VimConfig
        {
            ImageSize = 32, PatchSize = 4, Stride = 4, Width = 128, InnerWidth = 256, Depth = 12, DeltaRank = 8, Classes = 10,
        };
        VisionModel model = VisionModel.CreateRandom(config, seed: 1);
        var random = new SeededRandom(2);
        var images = new Tensor(config.InputShape.Prepend(Batch));
        foreach (ref float value in images.Span)
            value = (float)random.NextNormal();
        var targets = new Tensor([Batch, config.Classes]);
        for (int i = 0; i < Batch; i++)
            targets.Span[(i * config.Classes) + (i % config.Classes)] = 1;

        foreach (int threads in new[] { 1, Environment.ProcessorCount })
        {
            using var executor = new GradientExecutor(model.Graph, model.Weights, threads);
            double[] seconds = new double[Runs];
            for (int run = -WarmUp; run < Runs; run++)
            {
                executor.Times = run == 0 ? new StepTimes() : executor.Times;
                long start = Stopwatch.GetTimestamp();
                executor.Run(images, targets);
                seconds[Math.Max(run, 0)] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
            Array.Sort(seconds);
            double perImage = seconds[Runs / 2] / Batch;
            Console.WriteLine(
                $"{threads} threads: {perImage * 1e3:F2} ms an image, {1 / perImage:F0} images/s, "
                + $"{OfficialSeconds / perImage:F0} times the official 1.1 s; {executor.LaneBytes >> 20} MiB a thread");
            double total = executor.Times!.Totals.Sum(entry => entry.Time.TotalSeconds);
            foreach ((string kind, bool isBackward, TimeSpan time) in executor.Times.Totals)
            {
                double milliseconds = time.TotalMilliseconds / (Runs * Batch);
                Console.WriteLine($"  {kind,-16} {(isBackward ? "backward" : "forward"),-8} {milliseconds,7:F3} ms {time.TotalSeconds / total,6:P1}");
            }
        }
    }
}
