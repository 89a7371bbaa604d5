using Bitis.Fuzz;
using Bitis.Gpu.Driver;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Ptx;
using Bitis.Quantization.Recipes;
using Xunit.Abstractions;

namespace Bitis.Gpu.Tests.Sessions;

/// <summary>Micro models of all families and forms: answers of the CPU for odd batches, or a refusal by name.</summary>
public sealed class MicroModelTests(ITestOutputHelper output)
{
    /// <summary>One piece of the cache that the device pretends to have: 16 images.</summary>
    private const int Piece = 16;

    private static readonly string[] Refused = ["vit", "resnet", "graph"];

    public static TheoryData<string> Names => [.. MicroModels.Configs.Keys];

    public static TheoryData<string, string> Recipes
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach ((string model, Recipe recipe) in MicroModels.Recipes)
                data.Add(model, recipe.Method);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Float_models_answer_odd_batches(string name)
    {
        VisionModel model = MicroModels.Create(name);
        Check(
            name, options => InferenceSession.Create(model, options), tolerance: 3e-5,
            [1, 2, 3, 5, 7, Piece - 1, Piece, Piece + 1]);
    }

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Recipes_of_all_kinds_are_computed_or_refused(string name, string method)
    {
        Recipe recipe = MicroModels.Recipes.First(pair => (pair.Model, pair.Recipe.Method) == (name, method)).Recipe;
        QuantizedModel model = MicroModels.Quantize(name, recipe);
        Check(name, options => InferenceSession.Create(model, options), tolerance: 0.02, [1, 3, Piece + 1]);
    }

    [Theory]
    [InlineData("vim", "w4a4", Scope.Full, "layers.0.*=float")]
    [InlineData("vim", "w8a8", Scope.Linear, "layers.0.*=w4a8,ssm")]
    [InlineData("vim", "w8a8", Scope.Full, "layers.1.mixer.x_proj_b=float")]
    [InlineData("vmamba", "w6a6", Scope.Full, "layers.1.*=w4a8,ssm")]
    [InlineData("vmamba-v0", "w8a8", Scope.Full, "*x_proj2=w4a8")]
    [InlineData("localvim", "w4a8", Scope.Ssm, "*out_proj=float")]
    [InlineData("localvmamba", "w4a4", Scope.Linear, "*.op.*=w8a8,full")]
    public void Mixed_recipes_are_computed_or_refused(string name, string bits, Scope scope, string change)
    {
        QuantizedModel model = MicroModels.Quantize(name, new Recipe
        {
            Method = "minmax",
            Bits = BitWidths.Parse(bits),
            Scope = scope,
            Overrides = [SiteOverride.Parse(change)],
        });
        Check(name, options => InferenceSession.Create(model, options), tolerance: 0.02, [1, 5]);
    }

    private void Check(string name, Func<SessionOptions?, InferenceSession> open, double tolerance, int[] batches)
    {
        var devices = new List<EmulatedDevice>();
        InferenceSession there;
        try
        {
            there = open(Emulated(devices));
        }
        catch (BitisException e)
        {
            output.WriteLine(e.Message);
            Assert.Matches(
                "^The GPU has no kernel for '[^']+' \\([a-z0-9_]+\\)[^.]*\\. Run it on the CPU\\.$",
                e.Message);
            Assert.All(devices, device => Assert.Equal((0, 0), (device.Memory.Reserved, device.Measurements.Launches)));
            return;
        }
        Assert.DoesNotContain(name, Refused);
        using (there)
        using (InferenceSession here = open(null))
        {
            foreach (int batch in batches)
            {
                FloatTensor images = MicroModels.Images(here.Config, batch);
                float[] expected = here.Run(images).Span.ToArray(), answers = there.Run(images).Span.ToArray();
                float largest = expected.Max(Math.Abs);
                double difference = expected.Zip(answers, (a, b) => (double)Math.Abs(a - b)).Max() / largest;
                output.WriteLine($"batch {batch}: {difference:E1}");
                Assert.InRange(difference, 0, tolerance);
            }
        }
        Assert.All(devices, device => Assert.Equal(0, device.Memory.Reserved));
    }

    private static GpuOptions Emulated(List<EmulatedDevice> devices)
    {
        var info = new CudaDeviceInfo(0, "emulated", new ComputeCapability(8, 0), 1 << 30, "12.0");
        return new GpuOptions
        {
            Gpu = new NvidiaGpu(info, () =>
            {
                var device = new EmulatedDevice(PtxTarget.Sm80, seed: 7, cacheBytes: 1);
                devices.Add(device);
                return device;
            }),
        };
    }
}
