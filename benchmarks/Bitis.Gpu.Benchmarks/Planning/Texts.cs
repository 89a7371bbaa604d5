using Bitis.Gpu.Benchmarks.Measurements;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Models.Vim;

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
            Directory.CreateDirectory(Path.Combine(folder, target.Name));
        HashSet<string> texts = [];
        foreach (string variant in ModelTimes.Variants)
        {
            try
            {
                foreach (BenchmarkModel precision in BenchmarkModel.AllOf(Shorten(variant)))
                    AddKernels(precision, texts, folder);
            }
            catch (BitisException e)
            {
                output.WriteLine($"{variant}: {e.Message}");
            }
        }
        output.WriteLine($"{texts.Count} texts.");
    }

    /// <summary>A variant with two blocks: all blocks have the same texts.</summary>
    private static VisionModel Shorten(string variant)
    {
        ModelConfig config = ModelCatalogue.Get(variant).Config;
        return VisionModel.CreateRandom(config is VimConfig vim ? vim with { Depth = 2 } : config, seed: 1);
    }

    private static void AddKernels(BenchmarkModel model, HashSet<string> texts, string folder)
    {
        foreach (PtxTarget target in PtxTarget.All)
        {
            foreach (int batch in Batches)
            {
                var device = new TextDevice(target, Multiprocessors);
                using GpuPlan plan = model.Build(device, batch);
                foreach (PtxKernel kernel in device.Kernels.Where(kernel => texts.Add(kernel.Text)))
                {
                    string name = $"{kernel.Name}-{texts.Count}.ptx";
                    File.WriteAllText(Path.Combine(folder, target.Name, name), kernel.Text);
                }
            }
        }
    }
}
