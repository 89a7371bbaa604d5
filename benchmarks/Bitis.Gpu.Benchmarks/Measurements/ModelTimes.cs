using Bitis.Gpu.Devices;
using Bitis.Gpu.Plans;
using Bitis.Models;
using Bitis.Models.Vim;
using Bitis.Tensors;

namespace Bitis.Gpu.Benchmarks.Measurements;

/// <summary>Whole models in all precisions: images a second, and how far the answers are from the CPU's.</summary>
internal static class ModelTimes
{
    private const int Compared = 8;

    private static readonly int[] Batches = [1, 16, 128];

    /// <summary>The variants.</summary>
    public static IReadOnlyList<string> Variants { get; } = ["vim-tiny", "vim-small", "vim-base", "vmamba-tiny"];

    /// <summary>Measures and writes a table for each variant.</summary>
    public static void Run(Func<GpuDevice> open, string[] variants, bool isEmulated, TextWriter output)
    {
        foreach (string variant in variants.Length == 0 ? Variants : variants)
        {
            output.WriteLine($"\n| {variant} | batch | ms | images/s | times float16 | difference from the CPU |");
            output.WriteLine("|---|---|---|---|---|---|");
            VisionModel model = isEmulated ? Small() : BenchmarkModel.Create(variant);
            var baseline = new Dictionary<int, double>();
            bool hasKernels = false;
            foreach (BenchmarkModel precision in BenchmarkModel.AllOf(model))
            {
                // A family without kernels has none in any precision.
                hasKernels |= Measure(open, model, precision, isEmulated ? [1, 2] : Batches, baseline, output);
                if (!hasKernels)
                    break;
            }
        }
    }

    /// <summary>A model that the interpreter runs in a second.</summary>
    public static VisionModel Small() => VisionModel.CreateRandom(
        new VimConfig
        {
            ImageSize = 16,
            PatchSize = 8,
            Stride = 8,
            Width = 24,
            Depth = 2,
            InnerWidth = 48,
            DeltaRank = 2,
            Classes = 5,
        },
        seed: 11);

    private static bool Measure(
        Func<GpuDevice> open, VisionModel model, BenchmarkModel precision, int[] batches,
        Dictionary<int, double> baseline, TextWriter output)
    {
        string difference = "";
        foreach (int batch in batches)
        {
            try
            {
                using GpuDevice device = open();
                using GpuPlan plan = precision.Build(device, batch);
                if (batch == batches[1])
                    difference = Compare(plan, precision, BenchmarkModel.Images(model, Math.Min(batch, Compared)));
                double seconds = SecondsOf(plan, BenchmarkModel.Images(model, batch));
                if (precision.IsBaseline)
                    baseline[batch] = Math.Min(seconds, baseline.GetValueOrDefault(batch, seconds));
                string times = baseline.TryGetValue(batch, out double other) ? $"{other / seconds:F2}" : "";
                output.WriteLine(
                    $"| {precision.Precision} | {batch} | {seconds * 1e3:F3} | {batch / seconds:F0} | {times} | "
                    + $"{difference} |");
            }
            catch (BitisException e)
            {
                output.WriteLine($"| {precision.Precision} | {batch} | {e.Message} | | | |");
                return false;
            }
            output.Flush();
        }
        return true;
    }

    /// <summary>The seconds of a batch that is on the device already: kernels only.</summary>
    private static double SecondsOf(GpuPlan plan, FloatTensor images)
    {
        int batch = images.Shape[0];
        plan.Profile(images.Span);
        using var clock = new Clock(plan.Device);
        using GpuGraph graph = plan.Device.Record(plan.Launches(batch));
        double first = clock.Seconds(graph);
        return clock.Seconds(graph, (int)Math.Clamp(0.05 / first, 1, 100));
    }

    private static string Compare(GpuPlan plan, BenchmarkModel precision, FloatTensor images)
    {
        using InferenceSession session = precision.CreateSession();
        LogitComparison comparison = LogitComparison.Of(plan, images, session);
        return $"{comparison.Share:P3} of the largest logit, {comparison.SameAnswers} of {comparison.Images} answers";
    }
}
