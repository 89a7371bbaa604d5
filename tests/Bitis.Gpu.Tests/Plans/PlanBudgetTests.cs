using Bitis.Gpu.Emulation;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Models;
using Bitis.Models.Vim;
using Xunit.Abstractions;

namespace Bitis.Gpu.Tests.Plans;

/// <summary>Launches, traffic and instructions of a Vim block: the difference between two blocks and one.</summary>
public sealed class PlanBudgetTests(ITestOutputHelper output)
{
    private const int Tokens = 17, Channels = 96;

    /// <remarks>Each byte counts once for a launch, as if caches held what a launch reads again.</remarks>
    [Theory]
    [InlineData("floats", 6, 70, 1130)]
    [InlineData("halves", 5, 36, 1180)]
    [InlineData("w8a8 full", 5, 32, 3050)]
    [InlineData("w8a8 full halves", 5, 26, 2750)]
    public void A_block_has_a_budget(string form, int launches, int bytesOfChannel, int instructionsOfChannel)
    {
        Measurements one = Measure(form, depth: 1, images: 1), two = Measure(form, depth: 2, images: 1);
        Measurements oneOfTwo = Measure(form, depth: 1, images: 2), twoOfTwo = Measure(form, depth: 2, images: 2);
        // What the second image adds is without weights.
        double bytes = Bytes(twoOfTwo) - Bytes(two) - (Bytes(oneOfTwo) - Bytes(one));
        bytes /= Tokens * Channels;
        // Those of a lane.
        double instructions = (double)(twoOfTwo.Total - two.Total - (oneOfTwo.Total - one.Total))
            * PtxWriter.WarpSize / (Tokens * Channels);
        output.WriteLine(
            $"{form}: {two.Launches - one.Launches} launches, {bytes:F1} bytes and {instructions:F0} instructions a "
            + "token and channel");
        Assert.Equal(launches, two.Launches - one.Launches);
        Assert.InRange(bytes, 0, bytesOfChannel);
        Assert.InRange(instructions, 0, instructionsOfChannel);
        double passes = two.SharedPasses - one.SharedPasses;
        // Which entries of the tables of Ā lanes of a scan in integers read depends on the data.
        double conflicts = passes / (two.IdealSharedPasses - one.IdealSharedPasses);
        Assert.InRange(conflicts, 1, form switch { "halves" => 1, "floats" => 1.06, _ => 1.25 });

        static double Bytes(Measurements measured) => measured.BytesRead + measured.BytesWritten;
    }

    private static Measurements Measure(string form, int depth, int images)
    {
        VisionModel model = VisionModel.CreateRandom(
            new VimConfig
            {
                ImageSize = 16,
                PatchSize = 4,
                Stride = 4,
                Width = 48,
                Depth = depth,
                InnerWidth = Channels,
                DeltaRank = 4,
                Classes = 4,
            },
            seed: 1);
        var device = new EmulatedDevice(PtxTarget.Sm80);
        FloatTensor pixels = PlanRun.RandomImages(model, images);
        GpuPrecision precision = form.Contains("halves", StringComparison.Ordinal)
            ? GpuPrecision.Halves
            : GpuPrecision.Floats;
        using GpuPlan plan = form.StartsWith("w8a8", StringComparison.Ordinal)
            ? GpuPlanBuilder.Build(device, Quantize(model, pixels), images, precision)
            : GpuPlanBuilder.Build(device, model, images, precision);
        plan.Run(pixels.Span, new float[images * model.Config.Classes]);
        return device.Measurements;
    }

    private static QuantizedModel Quantize(VisionModel model, FloatTensor images) => PostTrainingQuantizer.Quantize(
        model, CalibrationSet.FromTensors(images),
        new Recipe { Method = "minmax", Bits = BitWidths.Parse("w8a8"), Scope = Scope.Full });
}
