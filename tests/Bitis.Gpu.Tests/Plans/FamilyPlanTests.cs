using Bitis.Gpu.Benchmarks.Checks;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Models;
using Xunit.Abstractions;

namespace Bitis.Gpu.Tests.Plans;

/// <summary>Whole small models with scans in several orders through the interpreter, against the CPU.</summary>
public sealed class FamilyPlanTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => [.. FamilyModels.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_are_those_of_the_CPU(string name)
    {
        VisionModel model = FamilyModels.Create(name);
        using InferenceSession session = InferenceSession.Create(model);
        using GpuPlan plan = GpuPlanBuilder.Build(
            new EmulatedDevice(PtxTarget.Sm80, seed: 7), model, images: 2, GpuPrecision.Floats);
        double difference = PlanRun.Compare(
            session, plan, PlanRun.RandomImages(model, count: 3), model.Config.Classes);
        Assert.InRange(difference, 0, 2e-5);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_of_halves_are_near_those_of_the_CPU(string name) =>
        CheckHalves(name, GpuPrecision.Halves, 5e-3);

    [Theory]
    [InlineData("vmamba-states")]
    [InlineData("vmamba-v0")]
    [InlineData("localvim")]
    [InlineData("localvmamba")]
    public void Logits_of_half_states_are_near_those_of_the_CPU(string name) =>
        CheckHalves(name, GpuPrecision.HalfStates, 1e-2);

    private static void CheckHalves(string name, GpuPrecision precision, double bound)
    {
        VisionModel model = FamilyModels.Create(name);
        using InferenceSession session = InferenceSession.Create(model);
        using GpuPlan plan = GpuPlanBuilder.Build(
            new EmulatedDevice(PtxTarget.Sm80, seed: 7), model, images: 2, precision);
        double difference = PlanRun.Compare(
            session, plan, PlanRun.RandomImages(model, count: 3), model.Config.Classes);
        Assert.InRange(difference, 1e-6, bound);
    }

    [Theory]
    [InlineData("vmamba", "minmax", "w8a8", Scope.Linear)]
    [InlineData("vmamba", "ptq4vm", "w4a8", Scope.Linear)]
    [InlineData("vmamba", "minmax", "w8a8", Scope.Ssm)]
    [InlineData("vmamba", "mse", "w8a8", Scope.Full)]
    [InlineData("vmamba-states", "minmax", "w4a8", Scope.Full)]
    [InlineData("vmamba-states", "qmamba", "w8a8", Scope.Full)]
    [InlineData("vmamba-v0", "minmax", "w8a8", Scope.Full)]
    [InlineData("vmamba-v0", "ptq4vm", "w8a8", Scope.Linear)]
    [InlineData("localvim", "minmax", "w8a8", Scope.Linear)]
    [InlineData("localvim", "minmax", "w8a8", Scope.Full)]
    [InlineData("localvim-token", "minmax", "w4a8", Scope.Full)]
    [InlineData("localvim-token", "ptq4vm", "w8a8", Scope.Ssm)]
    [InlineData("localvmamba", "minmax", "w8a8", Scope.Full)]
    [InlineData("localvmamba", "ptq4vm", "w8a8", Scope.Linear)]
    public void Quantized_models_answer_as_on_the_CPU(string name, string method, string bits, Scope scope)
    {
        VisionModel model = FamilyModels.Create(name);
        FloatTensor images = PlanRun.RandomImages(model, count: 4);
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            model, CalibrationSet.FromTensors(images),
            new Recipe { Method = method, Bits = BitWidths.Parse(bits), Scope = scope });
        using InferenceSession session = InferenceSession.Create(quantized);
        foreach (GpuPrecision precision in (GpuPrecision[])[GpuPrecision.Floats, GpuPrecision.Halves])
        {
            using GpuPlan plan = GpuPlanBuilder.Build(
                new EmulatedDevice(PtxTarget.Sm80, seed: 7), quantized, images: 3, precision);
            // A value near the middle of two levels may become either, since exponentials differ in their last bits.
            double bound = precision == GpuPrecision.Floats ? 0.01 : 0.04;
            double difference = PlanRun.Compare(session, plan, images, model.Config.Classes, tie: bound);
            output.WriteLine($"{precision}: {difference:E1}");
            Assert.InRange(difference, 0, bound);
        }
    }

    [Theory]
    [InlineData("vmamba")]
    [InlineData("vmamba-states")]
    [InlineData("vmamba-v0")]
    [InlineData("localvim")]
    [InlineData("localvmamba")]
    public void Scans_in_integers_read_levels(string name)
    {
        VisionModel model = FamilyModels.Create(name);
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            model, CalibrationSet.FromTensors(PlanRun.RandomImages(model, count: 1)),
            new Recipe { Method = "minmax", Bits = BitWidths.Parse("w8a8"), Scope = Scope.Full });
        using GpuPlan plan = GpuPlanBuilder.Build(new EmulatedDevice(PtxTarget.Sm80), quantized, images: 1);
        string[] scans = [.. plan.Launches(1).Select(launch => launch.Function.Kernel.Name)
            .Where(kernel => kernel.StartsWith("scan", StringComparison.Ordinal))];
        Assert.NotEmpty(scans);
        Assert.All(scans, scan => Assert.Contains("_of_levels", scan));
    }

    /// <summary>But by scans, whose threads have a channel each, and by what runs once for a model.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Halves_are_read_several_at_once(string name)
    {
        string[] alone = ["scan", "mean", "embeddings", "grid_patches"];
        using GpuPlan plan = GpuPlanBuilder.Build(
            new EmulatedDevice(PtxTarget.Sm80), FamilyModels.Create(name), images: 1, GpuPrecision.Halves);
        foreach (GpuLaunch launch in plan.Launches(1))
        {
            PtxKernel kernel = launch.Function.Kernel;
            bool readsOne = ((string[])["ld.global.b16", "ld.global.nc.b16"]).Any(
                load => kernel.Text.Contains(load, StringComparison.Ordinal));
            Assert.False(
                readsOne && !alone.Any(prefix => kernel.Name.StartsWith(prefix, StringComparison.Ordinal)),
                kernel.Name);
        }
    }
}
