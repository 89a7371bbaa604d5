using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Models;
using Xunit.Abstractions;

namespace Bitis.Gpu.Tests.Plans;

/// <summary>The trained models that come with Bitis through the interpreter, against the CPU's session.</summary>
[Trait("Speed", "Slow")]
public sealed class ShippedPlanTests(ITestOutputHelper output)
{
    private const int Images = 1;

    /// <remarks>
    /// Quantized, vmamba-cifar10 differs from itself as much: two devices whose exponentials err in their last bits in
    /// different ways are up to 6 % of the largest logit apart, and 19 % from the float model.
    /// </remarks>
    [Theory]
    [InlineData("vim-micro-builtin", "floats", 1e-5)]
    [InlineData("vim-micro-builtin", "ptq4vm w8a8 linear", 0.01)]
    [InlineData("vim-micro-builtin", "minmax w8a8 full", 0.02)]
    [InlineData("vim-cifar10", "halves", 5e-3)]
    [InlineData("vmamba-cifar10", "halves", 5e-3)]
    [InlineData("vmamba-cifar10", "minmax w8a8 full", 0.1)]
    [InlineData("localvim-micro-builtin", "minmax w8a8 ssm", 0.02)]
    public void Answers_are_those_of_the_CPU(string name, string form, double bound)
    {
        VisionModel model = VisionModel.Load(Path.Combine(Root(), "models", $"{name}.safetensors"));
        FloatTensor images = ImageLoader.Load(
            new BuiltInImageSource(BuiltInSplit.Test, count: Images), model.Preprocessing, Images).First().Images;
        var device = new EmulatedDevice(PtxTarget.Sm80, seed: 7);
        GpuPlan plan;
        InferenceSession session;
        if (form.Split(' ') is [var method, var bits, var scope])
        {
            QuantizedModel quantized = PostTrainingQuantizer.Quantize(
                model, CalibrationSet.FromTensors(images), new Recipe
                {
                    Method = method,
                    Bits = BitWidths.Parse(bits),
                    Scope = Enum.Parse<Scope>(scope, ignoreCase: true),
                });
            session = InferenceSession.Create(quantized);
            plan = GpuPlanBuilder.Build(device, quantized, Images);
        }
        else
        {
            session = InferenceSession.Create(model);
            plan = GpuPlanBuilder.Build(
                device, model, Images, form == "halves" ? GpuPrecision.Halves : GpuPrecision.Floats);
        }
        using (session)
        using (plan)
        {
            double difference = PlanRun.Compare(session, plan, images, model.Config.Classes);
            output.WriteLine($"{name} {form}: {difference:E1}");
            Assert.InRange(difference, 0, bound);
        }
    }

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Bitis.slnx")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests run outside of the repository.");
    }
}
