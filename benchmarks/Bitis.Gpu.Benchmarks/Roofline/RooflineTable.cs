using Bitis.Gpu.Benchmarks.Planning;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Models;

namespace Bitis.Gpu.Benchmarks.Roofline;

/// <summary>The bounds of a model's kernels on several GPUs, from its plans alone.</summary>
internal static class RooflineTable
{
    private const int Images = 128;

    /// <summary>Writes a table for each precision.</summary>
    public static void Write(string variant, TextWriter output) =>
        Write(variant, BenchmarkModel.Create(variant), Images, output);

    /// <summary>As <see cref="Write(string, TextWriter)"/>, for any model.</summary>
    public static void Write(string name, VisionModel model, int images, TextWriter output)
    {
        Dictionary<Hardware, double> baseline = [];
        foreach (BenchmarkModel precision in BenchmarkModel.AllOf(model))
        {
            output.WriteLine($"\n{name}, {precision.Precision}, {images} images:\n");
            try
            {
                var device = new TextDevice(PtxTarget.Sm90a, Hardware.All[0].Multiprocessors);
                using GpuPlan plan = precision.Build(device, images);
                IReadOnlyList<GpuLaunch> launches = plan.Launches(images);
                Write(launches, images, precision.IsBaseline, baseline, output);
            }
            catch (BitisException e)
            {
                output.WriteLine(e.Message);
            }
        }
    }

    private static void Write(
        IReadOnlyList<GpuLaunch> launches, int images, bool isBaseline, Dictionary<Hardware, double> baseline,
        TextWriter output)
    {
        string gpus = string.Concat(Hardware.All.Select(hardware => $" {hardware.Name} ms, by |"));
        output.WriteLine($"| kernel | launches | MB | 10⁹ operations | 10⁶ exponentials |{gpus}");
        output.WriteLine($"|---|---|---|---|---|{string.Concat(Hardware.All.Select(_ => "---|"))}");
        var total = new double[Hardware.All.Count];
        foreach (IGrouping<string, GpuLaunch> kernel in launches.GroupBy(launch => launch.Function.Kernel.Name))
        {
            if (KernelCost.Of(kernel.First(), images) is not { } cost)
            {
                output.WriteLine($"| {kernel.Key} | {kernel.Count()} | unknown | | |");
                continue;
            }
            var cells = new string[total.Length];
            for (int i = 0; i < cells.Length; i++)
            {
                (double seconds, string by) = Hardware.All[i].Bound(cost);
                total[i] += seconds * kernel.Count();
                cells[i] = $" {seconds * kernel.Count() * 1e3:F3}, {by} |";
            }
            double operations = cost.HalfOperations + cost.LevelOperations + cost.Instructions;
            output.WriteLine(
                $"| {kernel.Key} | {kernel.Count()} | {cost.Bytes * kernel.Count() / 1e6:F1} | "
                + $"{operations * kernel.Count() / 1e9:F1} | {cost.Exponentials * kernel.Count() / 1e6:F0} |"
                + string.Concat(cells));
        }
        string[] sums = new string[total.Length];
        for (int i = 0; i < total.Length; i++)
        {
            if (isBaseline)
                baseline[Hardware.All[i]] = Math.Min(total[i], baseline.GetValueOrDefault(Hardware.All[i], total[i]));
            string times = baseline.TryGetValue(Hardware.All[i], out double other)
                ? $", {other / total[i]:F2} times float16"
                : "";
            sums[i] = $" {total[i] * 1e3:F3}{times} |";
        }
        output.WriteLine($"| all | {launches.Count} | | | |{string.Concat(sums)}");
    }
}
