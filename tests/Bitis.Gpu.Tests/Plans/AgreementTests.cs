using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Gpu.Benchmarks;
using Bitis.Gpu.Benchmarks.Measurements;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Xunit.Abstractions;

namespace Bitis.Gpu.Tests.Plans;

/// <summary>A trained model gives the answers of the CPU's session in each precision, on some images.</summary>
/// <remarks><c>gpu-benchmarks accuracy</c> measures as many as are wanted.</remarks>
[Trait("Speed", "Slow")]
public sealed class AgreementTests(ITestOutputHelper output)
{
    private const int Images = 5;

    /// <remarks>
    /// Half of the images, or more, have the same levels on both sides. In the others, a level became its neighbour,
    /// and many others after it.
    /// </remarks>
    [Theory]
    [InlineData("float32", 3e-6, 3e-6)]
    [InlineData("float16", 5e-4, 3e-3)]
    [InlineData("float16, half2 states", 2e-3, 1e-2)]
    [InlineData("w8a8 linear, float32", 3e-6, 0.03)]
    [InlineData("w8a8 ssm, float32", 3e-6, 0.1)]
    [InlineData("w8a8 full, float32", 3e-6, 0.1)]
    [InlineData("w4a8 linear, float32", 3e-6, 0.03)]
    [InlineData("w4a8 ssm, float32", 3e-6, 0.1)]
    [InlineData("w4a8 full, float32", 3e-6, 0.1)]
    public void Answers_are_those_of_the_CPU(string precision, double median, double largest)
    {
        var model = VisionModel.LoadShipped("vim-micro-builtin");
        using var all = new BuiltInImageSource(BuiltInSplit.Test);
        BenchmarkModel form = BenchmarkModel.TrainedOf(model, Accuracy.Calibration(model, all))
            .Single(form => form.Precision == precision);
        FloatTensor images = Accuracy.Read(model, all, first: 0, Images).Images;
        using InferenceSession session = form.CreateSession();
        using var device = new EmulatedDevice(PtxTarget.Sm80, seed: 7);
        using GpuPlan plan = form.Build(device, Images);
        LogitComparison comparison = LogitComparison.Of(plan, images, session);
        output.WriteLine($"{comparison.Median / comparison.LargestLogit:E1}, {comparison.Share:E1}");
        Assert.Equal(Images, comparison.SameAnswers);
        Assert.InRange(comparison.Median / comparison.LargestLogit, 0, median);
        Assert.InRange(comparison.Share, 0, largest);
    }
}
