using System.Runtime.InteropServices;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Models.Detection;
using Bitis.Models.VMamba;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.Models;

/// <summary>VMamba's files, configurations, sites and plans.</summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class VMambaModelTests : IDisposable
{
    /// <summary>Odd grids: 7×7, 4×4.</summary>
    private static readonly VMambaConfig Config = new()
    {
        ImageSize = 28,
        Depths = [1, 2],
        Width = 8,
        InnerWidth = 16,
        MlpWidth = 32,
        Classes = 3,
    };

    private readonly TempFolder _folder = new();

    public static TheoryData<string, string, Granularity, Scope> Recipes => new()
    {
        { "minmax", "w8a8", Granularity.PerToken, Scope.Linear },
        { "mse", "w4a4", Granularity.PerTensor, Scope.Linear },
        { "smoothquant", "w6a6", Granularity.PerToken, Scope.Linear },
        { "ptq4vm", "w4a4", Granularity.PerToken, Scope.Linear },
        { "qmamba", "w8a8", Granularity.PerTensor, Scope.Ssm },
        { "qmamba+", "w4a4", Granularity.PerTensor, Scope.Ssm },
        { "minmax", "w8a8", Granularity.PerTensor, Scope.Full },
        { "mse", "w4a4", Granularity.PerToken, Scope.Full },
        { "qmamba+", "w4a8", Granularity.PerToken, Scope.Full },
        { "ptq4vm", "w4a32", Granularity.PerToken, Scope.Full },
        { "mse", "w32a8", Granularity.PerToken, Scope.Full },
    };

    public void Dispose() => _folder.Dispose();

    /// <summary>A file claims blocks with a digit each; what they share must not be made for each.</summary>
    [Fact]
    public void Blocks_of_a_stage_share_the_order_of_their_columns()
    {
        Graph graph = (Config with { Depths = [9, 8] }).BuildGraph();
        List<ArrangeTokens> orders = [.. graph.Nodes.Select(node => node.Operator).OfType<ArrangeTokens>()];
        Assert.Equal(2 * (9 + 8), orders.Count);
        Assert.Equal(2, orders.Distinct(ReferenceEqualityComparer.Instance).Count());
    }

    [Fact]
    public void A_saved_model_has_the_official_tensors_and_comes_back()
    {
        VisionModel model = VisionModel.CreateRandom(Config, seed: 1);
        string path = _folder["model.safetensors"];
        model.Save(path);
        using (Checkpoint checkpoint = Checkpoint.Open(path))
        {
            Dictionary<string, Shape> shapes = checkpoint.Entries.ToDictionary(
                entry => entry.Name, entry => entry.Shape);
            Assert.Equal([4, 3, 16], shapes["layers.0.blocks.0.op.x_proj_weight"]);
            Assert.Equal([4, 32], shapes["layers.1.blocks.1.op.dt_projs_bias"]);
            Assert.Equal([4 * 16, 1], shapes["layers.0.blocks.0.op.A_logs"]);
            Assert.DoesNotContain(shapes.Keys, name => name.Contains("x_proj0", StringComparison.Ordinal));
            ModelDetection detection = ModelDetection.Detect(
                "m", shapes, new Dictionary<string, string>(), new ModelOptions { ImageSize = 28 });
            Assert.Equal(Config, detection.Config);
        }
        VisionModel loaded = VisionModel.Load(path);
        Assert.Equal(Config, loaded.Config);
        foreach ((string name, FloatTensor weight) in model.Weights)
            TensorAssert.Same(weight, loaded.Weights[name]);
    }

    [Fact]
    public void Matrices_may_be_written_as_convolutions_of_one_pixel()
    {
        using Checkpoint official = Checkpoint.Open(GoldenFiles.Path("vmamba-micro.pth"));
        string path = _folder["four.safetensors"];
        SafetensorsWriter.Write(
            path,
            [.. official.Entries.Select(entry => new SafetensorsTensor(
                entry.Name,
                DType.Float32,
                entry.Name.EndsWith("_proj.weight", StringComparison.Ordinal)
                    || entry.Name.Contains(".fc", StringComparison.Ordinal)
                    && entry.Shape.Rank == 2 ? [.. entry.Shape.Sizes, 1, 1] : entry.Shape,
                MemoryMarshal.AsBytes(official.Read(entry.Name).Span).ToArray()))],
            new Dictionary<string, string>());
        VisionModel expected = VMambaVariants.Load("vmamba-micro"),
            actual = VisionModel.Load(path, VMambaVariants.OptionsOf("vmamba-micro"));
        Assert.Equal(expected.Config, actual.Config);
        foreach ((string name, FloatTensor weight) in expected.Weights)
            TensorAssert.Same(weight, actual.Weights[name]);
    }

    [Theory]
    [InlineData("vmamba-micro")]
    [InlineData("vmamba-micro-v0")]
    public void Names_of_the_older_training_code_are_understood(string variant)
    {
        using Checkpoint official = Checkpoint.Open(GoldenFiles.Path($"{variant}.pth"));
        string path = _folder["old.safetensors"];
        (string New, string Old)[] renamed =
            [
                ("classifier.", ""),
                (".norm.", ".ln_1."),
                (".op.", ".self_attention."),
                ("patch_embed.0.", "patch_embed.proj."),
                ("patch_embed.2.", "patch_embed.norm."),
            ];
        SafetensorsWriter.Write(
            path,
            [
                .. official.Entries.Select(
                    entry => new SafetensorsTensor(
                        OldName(entry.Name),
                        DType.Float32,
                        entry.Shape,
                        MemoryMarshal.AsBytes(official.Read(entry.Name).Span).ToArray())),
            ]);
        VisionModel expected = VMambaVariants.Load(variant),
            actual = VisionModel.Load(path, VMambaVariants.OptionsOf(variant));
        Assert.Equal(expected.Config, actual.Config);
        foreach ((string name, FloatTensor weight) in expected.Weights)
            TensorAssert.Same(weight, actual.Weights[name]);

        string OldName(string name)
        {
            // Down-sampling has norms of its own, which were called so then, too.
            foreach ((string current, string old) in
                name.Contains("downsample", StringComparison.Ordinal) ? [] : renamed)
            {
                name = name.Replace(current, old, StringComparison.Ordinal);
            }

            return name;
        }
    }

    [Fact]
    public void Architectures_are_equal_by_value()
    {
        Assert.Equal(Config, Config with { Depths = [1, 2] });
        Assert.Equal(Config.GetHashCode(), (Config with { Depths = [1, 2] }).GetHashCode());
        VMambaConfig[] others =
        [
            Config with { Depths = [1, 3] }, Config with
            {
                Depths = [1, 2, 1],
            }, Config with { Width = 16 }, Config with { InnerWidth = 8 },
            Config with { MlpWidth = 0 }, Config with { StateSize = 16 }, Config with
            {
                HasConvBias = true,
            }, Config with { IsGated = true },
            Config with { Stem = StemKind.Patches }, Config with { PatchSize = 2 }, Config with
            {
                Downsampling = DownsamplingKind.PatchMerging,
            },
            Config with { ImageSize = 32 }, Config with { Classes = 4 },
        ];
        foreach (VMambaConfig other in others)
            Assert.NotEqual(Config, other);
    }

    [Fact]
    public void Values_that_do_not_describe_a_model_are_refused_by_name()
    {
        Refused(Config with { Depths = [] }, "0 stages");
        Refused(Config with { Depths = [1, 0] }, "depth of a stage is 0");
        Refused(Config with { Width = 0 }, "width");
        Refused(Config with { MlpWidth = -1 }, "mlpWidth");
        Refused(Config with { PatchSize = 8 }, "patchSize");
        Refused(Config with { Stem = (StemKind)7 }, "stem");
        Refused(Config with { ImageSize = 0 }, "imageSize");

        static void Refused(VMambaConfig config, string expected) =>
            Assert.Contains(expected, Assert.Throws<BitisException>(config.Validate).Message);
    }

    [Fact]
    public void Every_direction_has_sites_of_its_own_in_its_own_order()
    {
        VisionModel model = VisionModel.CreateRandom(Config, seed: 1);
        Node[] linears = [.. model.Graph.Nodes.Where(node => node.Block == 0 && node.Operator is Linear)];
        Assert.Equal(12, linears.Length);
        var recorder = new RecordingEvaluator();
        new GraphExecutor(model.Graph, model.Weights, recorder).Run(MicroModel.Images(model, 1, seed: 2));
        FloatTensor u = recorder.Values["layers.0.blocks.0.op.act"]; // [1, 49, 16]
        Func<int, int>[] orders = [t => t, t => t % 7 * 7 + t / 7, t => 48 - t, t => (48 - t) % 7 * 7 + (48 - t) / 7];
        for (int k = 0; k < orders.Length; k++)
        {
            FloatTensor seen = recorder.Values[model.Graph[$"layers.0.blocks.0.op.x_proj{k}"].Inputs[0].Name];
            for (int t = 0; t < 49; t++)
                Assert.Equal(u.Span.Slice(orders[k](t) * 16, 16).ToArray(), seen.Span.Slice(t * 16, 16).ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Recipes))]
    public void The_integer_runtime_equals_the_simulation_bit_for_bit(
        string method, string bits, Granularity granularity, Scope scope)
    {
        foreach (VisionModel model in
            (VisionModel[])[VisionModel.CreateRandom(Config, seed: 3), VMambaVariants.Load("vmamba-micro-v0")])
        {
            IntegerContract.AssertHolds(model, method, bits, granularity, scope, _folder["model.bitis"]);
        }
    }

    [Fact]
    public void Only_operators_that_have_a_kernel_are_in_a_plan()
    {
        foreach (string name in (string[])["vmamba-micro", "vmamba-micro-v0"])
        {
            using InferenceSession session = InferenceSession.Create(VMambaVariants.Load(name));
            Assert.DoesNotContain(
                session.Plan.Operations, operation => operation.Kind.Contains("reference", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Cross_scan_and_merge_are_no_steps_of_a_plan()
    {
        using InferenceSession session = InferenceSession.Create(VMambaVariants.Load("vmamba-micro"));
        Assert.DoesNotContain(session.Plan.Operations, operation => operation.Kind == "token order");
    }
}
