using Bitis.Gpu.Benchmarks.Measurements;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Models;

namespace Bitis.Gpu.Benchmarks.Planning;

/// <summary>Writes every kernel of the benchmark's models to files, for the assembler.</summary>
internal static class Texts
{
    private const int Multiprocessors = 132;

    private static readonly int[] Batches = [1, 16];

    /// <summary>Writes <c>TARGET/KERNEL-N.ptx</c>.</summary>
    public static void Write(string folder, TextWriter output)
    {
        foreach (PtxTarget target in PtxTarget.All)
        {
            string place = Directory.CreateDirectory(Path.Combine(folder, target.Name)).FullName;
            HashSet<string> texts = [];
            foreach (string variant in ModelTimes.Variants)
            {
                VisionModel model = BenchmarkModel.Create(variant);
                foreach (BenchmarkModel precision in BenchmarkModel.AllOf(model))
                    AddKernels(precision, target, texts, place, variant, output);
            }
            output.WriteLine($"{texts.Count} texts for {target.Name}.");
        }
    }

    private static void AddKernels(
        BenchmarkModel model, PtxTarget target, HashSet<string> texts, string folder, string variant,
        TextWriter output)
    {
        foreach (int batch in Batches)
        {
            var device = new TextDevice(target, Multiprocessors);
            try
            {
                using GpuPlan plan = model.Build(device, batch);
            }
            catch (BitisException e)
            {
                output.WriteLine($"{variant}, {model.Precision}: {e.Message}");
                return;
            }
            foreach (PtxKernel kernel in device.Kernels.Where(kernel => texts.Add(kernel.Text)))
                File.WriteAllText(Path.Combine(folder, $"{kernel.Name}-{texts.Count}.ptx"), kernel.Text);
        }
    }
}
