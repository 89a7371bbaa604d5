using Bitis.Gpu.Emulation;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Models.Vim;
using Xunit.Abstractions;

namespace Bitis.Gpu.Tests.Plans;

/// <summary>Whole small models through the interpreter, against the CPU's session.</summary>
public sealed class VimPlanTests(ITestOutputHelper output)
{
    public static TheoryData<int> Variants => [.. Enumerable.Range(0, Configs.Length)];

    private static VimConfig Config => new()
    {
        ImageSize = 16,
        PatchSize = 4,
        Stride = 4,
        Width = 24,
        Depth = 3,
        InnerWidth = 48,
        DeltaRank = 2,
        Classes = 5,
    };

    private static VimConfig[] Configs =>
    [
        Config,
        Config with { ClassToken = ClassTokenPosition.First, HalvesDirections = false, StateSize = 8 },
        Config with { Norm = NormKind.Layer, Stride = 2, DeltaRank = 4, ConvKernelSize = 3 },
        Config with { ClassToken = ClassTokenPosition.None, Classes = 6 },
        // More outputs of projections than one kernel with the convolutions has.
        Config with { DeltaRank = 100, Depth = 1 },
    ];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Logits_are_those_of_the_CPU(int variant)
    {
        const int Images = 3;
        VisionModel model = VisionModel.CreateRandom(Configs[variant], seed: 11);
        FloatTensor images = PlanRun.RandomImages(model, Images);
        using InferenceSession session = InferenceSession.Create(model);
        FloatTensor expected = session.Run(images);
        using GpuPlan plan = GpuPlanBuilder.Build(
            new EmulatedDevice(PtxTarget.Sm80, seed: 7), model, images: 2, GpuPrecision.Floats);
        var logits = new float[expected.Length];
        plan.Run(images.Span, logits);
        float largest = expected.Span.ToArray().Max(Math.Abs);
        for (int i = 0; i < logits.Length; i++)
            Assert.InRange(logits[i] - expected.Span[i], -2e-5 * largest, 2e-5 * largest);
    }

    /// <summary>
    /// A value between kernels has an error of up to 2⁻¹¹ of itself. Logits may differ by 0.5 % of the largest one.
    /// </summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void Logits_of_halves_are_near_those_of_the_CPU(int variant) =>
        CheckHalves(variant, GpuPrecision.Halves, 5e-3f);

    /// <summary>States have errors of up to 2⁻¹⁰, too, which add up over the tokens.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void Logits_of_half_states_are_near_those_of_the_CPU(int variant) =>
        CheckHalves(variant, GpuPrecision.HalfStates, 1e-2f);

    private static void CheckHalves(int variant, GpuPrecision precision, float bound)
    {
        const int Images = 3;
        VisionModel model = VisionModel.CreateRandom(Configs[variant], seed: 11);
        FloatTensor images = PlanRun.RandomImages(model, Images);
        using InferenceSession session = InferenceSession.Create(model);
        FloatTensor expected = session.Run(images);
        var device = new EmulatedDevice(PtxTarget.Sm80, seed: 7);
        using GpuPlan plan = GpuPlanBuilder.Build(device, model, images: 2, precision);
        var logits = new float[expected.Length];
        plan.Run(images.Span, logits);
        float largest = expected.Span.ToArray().Max(Math.Abs);
        float[] differences = [.. logits.Select((value, i) => Math.Abs(value - expected.Span[i]))];
        Assert.InRange(differences.Max(), 1e-6f * largest, bound * largest);
        Assert.True(device.Measurements.Count("mma.sync.aligned.m16n8k16") > 0);
    }

    [Theory]
    [InlineData("head.weight", 70_000)]
    [InlineData("layers.0.mixer.x_proj_b.weight", -70_000)]
    [InlineData("patch_embed.proj.weight", 65_520)]
    public void Weights_beyond_the_range_of_halves_are_refused_by_name(string name, float value)
    {
        VisionModel model = VisionModel.CreateRandom(Config, seed: 1);
        model.Weights[name].Span[3] = value;
        BitisException e = Assert.Throws<BitisException>(() => GpuPlanBuilder.Build(
            new EmulatedDevice(PtxTarget.Sm80), model, images: 1, GpuPrecision.Halves));
        Assert.Equal(
            $"'{name}' has weights beyond the range of float16, which ends at 65504. Choose float32 (--precision "
            + "float32, FloatPrecision.Float32).",
            e.Message);
    }

    [Theory]
    [InlineData("minmax", "w8a8", Scope.Linear, 0)]
    [InlineData("minmax", "w4a8", Scope.Linear, 1)]
    [InlineData("minmax", "w8a6", Scope.Linear, 2)]
    [InlineData("minmax", "w8a8", Scope.Ssm, 0)]
    [InlineData("minmax", "w8a8", Scope.Ssm, 2)]
    [InlineData("qmamba", "w8a8", Scope.Ssm, 1)]
    [InlineData("minmax", "w8a8", Scope.Full, 0)]
    [InlineData("minmax", "w4a8", Scope.Full, 1)]
    [InlineData("minmax", "w8a8", Scope.Full, 2)]
    [InlineData("minmax", "w8a8", Scope.Full, 3)]
    [InlineData("minmax", "w8a8", Scope.Full, 4)]
    [InlineData("ptq4vm", "w8a8", Scope.Linear, 0)]
    [InlineData("ptq4vm", "w8a8", Scope.Full, 1)]
    public void Quantized_models_answer_as_on_the_CPU(string method, string bits, Scope scope, int variant)
    {
        const int Images = 8;
        VisionModel model = VisionModel.CreateRandom(Configs[variant], seed: 11);
        FloatTensor images = PlanRun.RandomImages(model, Images);
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            model, CalibrationSet.FromTensors(images),
            new Recipe { Method = method, Bits = BitWidths.Parse(bits), Scope = scope });
        using InferenceSession session = InferenceSession.Create(quantized);
        foreach (GpuPrecision precision in (GpuPrecision[])[GpuPrecision.Floats, GpuPrecision.Halves])
        {
            using GpuPlan plan = GpuPlanBuilder.Build(
                new EmulatedDevice(PtxTarget.Sm80, seed: 7), quantized, images: 4, precision);
            // A value near the middle of two levels may become either, since exponentials differ in their last bits.
            // Float16 before levels makes more of them the other one, and those of 6 bits are far apart.
            double bound = precision == GpuPrecision.Floats ? 0.01 : bits == "w8a6" ? 0.15 : 0.06;
            double difference = PlanRun.Compare(session, plan, images, model.Config.Classes, tie: bound);
            output.WriteLine($"{precision}: {difference:E1}");
            Assert.InRange(difference, 0, bound);
        }
    }

    [Theory]
    [InlineData("quamba", "w8a8", "'layers.0.mixer.out_proj' (linear) with a rotated input")]
    [InlineData("minmax", "w8a32", "'patch_embed.proj' (conv2d) with levels on one side only")]
    public void Layers_without_a_kernel_are_refused_by_name(string method, string bits, string what)
    {
        VisionModel model = VisionModel.CreateRandom(Config, seed: 11);
        var recipe = new Recipe { Method = method, Bits = BitWidths.Parse(bits), Scope = Scope.Full };
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            model, CalibrationSet.FromTensors(PlanRun.RandomImages(model, 2)), recipe);
        BitisException e = Assert.Throws<BitisException>(
            () => GpuPlanBuilder.Build(new EmulatedDevice(PtxTarget.Sm80), quantized, images: 1));
        Assert.Equal($"The GPU has no kernel for {what}. Run it on the CPU.", e.Message);
    }

    /// <summary>The steps of a scan take shared memory.</summary>
    [Fact]
    public void A_scan_that_is_too_long_is_refused_by_name()
    {
        VisionModel model = VisionModel.CreateRandom(
            Config with { ImageSize = 256, InnerWidth = 8, Width = 8, StateSize = 64 }, seed: 1);
        BitisException e = Assert.Throws<BitisException>(() => GpuPlanBuilder.Build(
            new EmulatedDevice(PtxTarget.Sm80), model, images: 1, GpuPrecision.Floats));
        Assert.Equal(
            "The GPU has no kernel for 'layers.0.mixer.scan' (selective_scan) of this size. Run it on the CPU.",
            e.Message);
    }

    [Fact]
    public void Too_little_memory_is_one_message()
    {
        VisionModel model = VisionModel.CreateRandom(Config, seed: 1);
        BitisException e = Assert.Throws<BitisException>(() => GpuPlanBuilder.Build(
            new EmulatedDevice(PtxTarget.Sm80) { MemoryBytes = 10_000 }, model, images: 1, GpuPrecision.Floats));
        Assert.Contains("too little free memory", e.Message);
    }
}
