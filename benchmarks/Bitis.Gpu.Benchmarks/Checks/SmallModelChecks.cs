using Bitis.Gpu.Benchmarks.Measurements;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Models;
using Bitis.Models.Vim;
using Bitis.Tensors;

namespace Bitis.Gpu.Benchmarks.Checks;

/// <summary>Small models with awkward sizes, in all precisions, on a GPU and on the interpreter.</summary>
internal static class SmallModelChecks
{
    private const int Images = 3, AtOnce = 2;

    private static VimConfig Config => new()
    {
        ImageSize = 16,
        PatchSize = 4,
        Stride = 4,
        Width = 24,
        Depth = 2,
        InnerWidth = 48,
        DeltaRank = 2,
        Classes = 5,
    };

    /// <summary>Vims with padding, odd sizes, both norms and places of the class token; all other families.</summary>
    private static IReadOnlyList<(string Name, VisionModel Model)> Models { get; } =
    [
        ("17 tokens", Create(Config)),
        ("class token first, 8 states", Create(Config with
        {
            ClassToken = ClassTokenPosition.First, HalvesDirections = false, StateSize = 8,
        })),
        ("layer norm, 50 tokens", Create(Config with
        {
            Norm = NormKind.Layer, Stride = 2, DeltaRank = 4, ConvKernelSize = 3,
        })),
        .. FamilyModels.Names.Select(name => (name, FamilyModels.Create(name))),
    ];

    /// <summary>Compares each launch, and the answers with the CPU's. False if something is wrong.</summary>
    /// <param name="open">Opens the GPU.</param>
    /// <param name="names">Some of the models; none for all of them.</param>
    /// <param name="output">Receives the tables.</param>
    public static bool Run(Func<GpuDevice> open, IReadOnlyList<string> names, TextWriter output)
    {
        if (names.FirstOrDefault(name => Models.All(model => model.Name != name)) is { } unknown)
        {
            throw new BitisException(
                $"There is no small model '{unknown}', only {string.Join(", ", Models.Select(model => model.Name))}.");
        }
        var differences = new PairedDifferences();
        bool areNear = true;
        output.WriteLine("| model | precision | logits against the CPU's |\n|---|---|---|");
        foreach ((string name, VisionModel model) in Models.Where(m => names.Count == 0 || names.Contains(m.Name)))
        {
            FloatTensor images = BenchmarkModel.Images(model, Images);
            foreach (BenchmarkModel precision in BenchmarkModel.AllOf(model))
            {
                (bool isNear, string text) = Check(open, precision, images, differences);
                areNear &= isNear;
                output.WriteLine($"| {name} | {precision.Precision} | {text} |");
            }
        }
        output.WriteLine();
        differences.Write(output);
        output.WriteLine();
        output.WriteLine(differences.AreSmall
            ? "All kernels do what the interpreter says."
            : "**Some kernels do not do what the interpreter says.**");
        if (!areNear)
            output.WriteLine("**Some models do not answer as on the CPU.**");
        return differences.AreSmall && areNear;
    }

    /// <summary>Runs each precision once, without comparing: for <c>compute-sanitizer</c>.</summary>
    public static void RunOnce(Func<GpuDevice> open, TextWriter output)
    {
        VisionModel model = Models[0].Model;
        FloatTensor images = BenchmarkModel.Images(model, 1);
        foreach (BenchmarkModel precision in BenchmarkModel.AllOf(model))
        {
            using GpuDevice device = open();
            using GpuPlan plan = precision.Build(device, 1);
            plan.Run(images.Span, new float[model.Config.Classes]);
            output.WriteLine(precision.Precision);
        }
    }

    private static (bool IsNear, string Text) Check(
        Func<GpuDevice> open, BenchmarkModel precision, FloatTensor images, PairedDifferences differences)
    {
        try
        {
            GpuDevice real = open();
            using var pair = new PairedDevice(real, new EmulatedDevice(PtxTarget.For(real.Capability)), differences);
            using GpuPlan plan = precision.Build(pair, AtOnce);
            using InferenceSession session = precision.CreateSession();
            float share = LogitComparison.Of(plan, images, session).Share;
            return (share <= precision.Tolerance, $"{share:P3} of the largest");
        }
        catch (Exception e) when (e is BitisException or EmulationException)
        {
            return (false, e.Message.ReplaceLineEndings(" "));
        }
    }

    private static VisionModel Create(VimConfig config) => VisionModel.CreateRandom(config, seed: 11);
}
