using Bitis.Gpu.Benchmarks.Roofline;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Plans;
using Bitis.Models;

namespace Bitis.Gpu.Benchmarks.Measurements;

/// <summary>Each kernel's time within a model beside the bound of the cost model.</summary>
internal static class KernelTimes
{
    private const int Runs = 5;

    /// <summary>Measures and writes a table for each precision.</summary>
    public static void Run(Func<GpuDevice> open, string variant, bool isEmulated, TextWriter output)
    {
        VisionModel model = isEmulated ? ModelTimes.Small() : BenchmarkModel.Create(variant);
        int batch = isEmulated ? 2 : 128;
        foreach (BenchmarkModel precision in BenchmarkModel.AllOf(model))
        {
            output.WriteLine($"\n{variant}, {precision.Precision}, batch {batch}:\n");
            try
            {
                using GpuDevice device = open();
                using GpuPlan plan = precision.Build(device, batch);
                Write(plan, BenchmarkModel.Images(model, batch).Span, Hardware.Of(plan.Device), batch, output);
            }
            catch (BitisException e)
            {
                output.WriteLine(e.Message);
            }
            output.Flush();
        }
    }

    private static void Write(
        GpuPlan plan, ReadOnlySpan<float> images, Hardware? hardware, int batch, TextWriter output)
    {
        plan.Profile(images);
        var runs = new List<IReadOnlyList<(GpuLaunch Launch, TimeSpan Time)>>();
        for (int run = 0; run < Runs; run++)
            runs.Add(plan.Profile(images));
        var kernels = runs[0].Select((step, i) => (
            step.Launch,
            Seconds: runs.Min(run => run[i].Time.TotalSeconds))).GroupBy(step => step.Launch.Function.Kernel.Name);
        output.WriteLine("| kernel | launches | ms | share | bound ms | by | of the bound |");
        output.WriteLine("|---|---|---|---|---|---|---|");
        double total = kernels.Sum(kernel => kernel.Sum(step => step.Seconds));
        foreach (var kernel in kernels.OrderByDescending(kernel => kernel.Sum(step => step.Seconds)))
        {
            double seconds = kernel.Sum(step => step.Seconds);
            KernelCost? cost = KernelCost.Of(kernel.First().Launch, batch);
            string bound = "| |";
            if (cost is not null && hardware is not null)
            {
                (double least, string by) = hardware.Bound(cost);
                bound = $"{least * kernel.Count() * 1e3:F3} | {by} | {least * kernel.Count() / seconds:P0}";
            }
            output.WriteLine(
                $"| {kernel.Key} | {kernel.Count()} | {seconds * 1e3:F3} | {seconds / total:P1} | {bound} |");
        }
        output.WriteLine($"| all | {runs[0].Count} | {total * 1e3:F3} | | | | |");
    }
}
