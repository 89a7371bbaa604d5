using Bitis.Checkpoints;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Models;
using Bitis.Models.LocalMamba;
using Bitis.Models.VMamba;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.Models;

/// <summary>LocalVim's and LocalVMamba's files, configurations, sites and plans.</summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class LocalModelTests : IDisposable
{
    /// <summary>A grid of 5×5, over which all windows reach.</summary>
    private static readonly LocalVimConfig Vim = new()
    {
        ImageSize = 20,
        PatchSize = 4,
        Width = 16,
        InnerWidth = 32,
        Directions = ["h,v_flip,w2,w2_flip", "h_flip,w3_flip,v,w3"],
        DeltaRank = 1,
        Classes = 3,
    };

    /// <summary>Grids of 7×7 and 4×4.</summary>
    private static readonly LocalVMambaConfig VMamba = new()
    {
        ImageSize = 28,
        Stem = StemKind.Patches,
        Downsampling = DownsamplingKind.PatchMerging,
        Depths = [1, 1],
        Width = 8,
        InnerWidth = 16,
        MlpWidth = 0,
        StateSize = 4,
        HasConvBias = true,
        IsGated = true,
        Classes = 3,
        Directions = ["h,v_flip,w2,w2_flip", "h_flip,w3_flip,v,w3"],
    };

    private readonly TempFolder _folder = new();

    /// <summary>Every method, at several widths, in every scope.</summary>
    public static TheoryData<string, string, Granularity, Scope> Recipes
    {
        get
        {
            var data = new TheoryData<string, string, Granularity, Scope>();
            foreach (string method in QuantizationMethod.Names)
            {
                data.Add(method, "w8a8", Granularity.PerToken, Scope.Linear);
                data.Add(method, "w4a4", Granularity.PerToken, Scope.Linear);
                data.Add(method, "w8a8", Granularity.PerTensor, Scope.Ssm);
                data.Add(method, "w4a4", Granularity.PerTensor, Scope.Ssm);
            }
            data.Add("minmax", "w6a6", Granularity.PerTensor, Scope.Linear);
            data.Add("minmax", "w8a8", Granularity.PerTensor, Scope.Full);
            data.Add("mse", "w4a4", Granularity.PerToken, Scope.Full);
            data.Add("qmamba+", "w4a8", Granularity.PerToken, Scope.Full);
            data.Add("ptq4vm", "w8a32", Granularity.PerToken, Scope.Full);
            data.Add("mse", "w32a8", Granularity.PerToken, Scope.Full);
            return data;
        }
    }

    public static TheoryData<string> Names => ["localvim", "localvim with a class token", "localvmamba"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void A_saved_model_has_the_official_tensors_and_comes_back(string name)
    {
        ModelConfig config = ConfigOf(name);
        VisionModel model = VisionModel.CreateRandom(config, seed: 1);
        string path = _folder["model.safetensors"];
        model.Save(path);
        VisionModel loaded = VisionModel.Load(path);
        Assert.Equal(config, loaded.Config);
        foreach ((string parameter, FloatTensor weight) in model.Weights)
            TensorAssert.Same(weight, loaded.Weights[parameter]);

        using Checkpoint checkpoint = Checkpoint.Open(path);
        Dictionary<string, Shape> shapes = checkpoint.Entries.ToDictionary(entry => entry.Name, entry => entry.Shape);
        Assert.Equal(
            name == "localvmamba", shapes.ContainsKey("layers.0.blocks.0.op.multi_scan.attn.global_reduce.weight"));
        Assert.Equal(name != "localvmamba", shapes.ContainsKey("layers.1.mixer.conv1d_3.weight"));
    }

    [Fact]
    public void A_file_that_tells_its_directions_is_not_contradicted()
    {
        string path = _folder["model.safetensors"];
        VisionModel.CreateRandom(Vim, seed: 1).Save(path);
        Assert.Equal(
            Vim, VisionModel.Load(path, new ModelOptions { Directions = string.Join('/', Vim.Directions) }).Config);
        string message = Assert.Throws<BitisException>(
            () => VisionModel.Load(path, new ModelOptions { Directions = "h,v,w2,w7" })).Message;
        Assert.Contains(
            "--directions contradicts the file, which says how the model was made "
            + "(h,v_flip,w2,w2_flip/h_flip,w3_flip,v,w3)",
            message);
    }

    [Fact]
    public void Architectures_are_equal_by_value()
    {
        Assert.Equal(Vim, Vim with { Directions = [.. Vim.Directions] });
        Assert.Equal(Vim.GetHashCode(), (Vim with { Directions = [.. Vim.Directions] }).GetHashCode());
        LocalVimConfig[] others =
        [
            Vim with
            {
                Directions = ["h,v_flip,w2,w2_flip", "h_flip,w3_flip,v,w2"],
            }, Vim with { Width = 8 }, Vim with { InnerWidth = 16 },
            Vim with { HasRotaryPositions = false }, Vim with { StateSize = 8 }, Vim with { DeltaRank = 2 }, Vim with
            {
                Norm = NormKind.Layer,
            },
            Vim with { ConvKernelSize = 3 }, Vim with { PatchSize = 5 }, Vim with { ImageSize = 24 }, Vim with
            {
                Classes = 4,
            },
            Vim with { HasClassToken = true },
        ];
        foreach (LocalVimConfig other in others)
            Assert.NotEqual(Vim, other);
        Assert.Equal(VMamba, new LocalVMambaConfig(VMamba, [.. VMamba.Directions]));
        Assert.Equal(VMamba.GetHashCode(), new LocalVMambaConfig(VMamba, [.. VMamba.Directions]).GetHashCode());
        Assert.NotEqual(VMamba, VMamba with { Directions = ["h,v,w2,w2_flip", "h_flip,w3_flip,v,w3"] });
        Assert.NotEqual(VMamba, VMamba with { Width = 16 });
    }

    [Fact]
    public void Values_that_do_not_describe_a_model_are_refused_by_name()
    {
        Refused(Vim with { Directions = [] }, "number of blocks with directions is 0");
        Refused(Vim with { Directions = ["h,v"] }, "'h,v' names 2 scan directions; a block has 4");
        Refused(Vim with { Directions = [null!] }, "'' names 0");
        Refused(Vim with { PatchSize = 3 }, "patchSize");
        Refused(Vim with { InnerWidth = 4 }, "innerWidth");
        Refused(Vim with { HasClassToken = true }, "rotary positions");
        Refused(Vim with { Width = 18 }, "rotary positions");
        Refused(Vim with { NormEpsilon = float.NaN }, "normEpsilon");
        Refused(VMamba with { Directions = ["h,v,w2,w2_flip"] }, "scan directions of 1 block; expected 2");
        Refused(VMamba with { Directions = ["h,v,w2,w2_flip", "h,v,q,w2_flip"] }, "no scan direction 'q'");
        Refused(VMamba with { InnerWidth = 4 }, "innerWidth");

        static void Refused(ModelConfig config, string expected) =>
            Assert.Contains(expected, Assert.Throws<BitisException>(config.Validate).Message);
    }

    [Theory]
    [InlineData("h", 0, 1, 2, 3, 4, 5, 6, 7, 8)]
    [InlineData("h_flip", 8, 7, 6, 5, 4, 3, 2, 1, 0)]
    [InlineData("v", 0, 3, 6, 1, 4, 7, 2, 5, 8)]
    [InlineData("v_flip", 8, 5, 2, 7, 4, 1, 6, 3, 0)]
    [InlineData("w2", 0, 1, 3, 4, 2, -1, 5, -1, 6, 7, -1, -1, 8, -1, -1, -1)]
    [InlineData("w2_flip", -1, -1, -1, 8, -1, -1, 7, 6, -1, 5, -1, 2, 4, 3, 1, 0)]
    [InlineData("w3", 0, 1, 2, 3, 4, 5, 6, 7, 8)]
    public void Directions_see_a_grid_in_the_official_orders(string name, params int[] expected)
    {
        ScanDirection direction = ScanDirection.Parse(name);
        Assert.Equal(name, direction.ToString());
        Assert.Equal(expected, Seen(direction, classToken: null));
        // The class token keeps its place in what the scan sees, and the tokens behind it in the sequence move up.
        List<int> withToken = [.. expected.Select(source => source >= 4 ? source + 1 : source)];
        withToken.Insert(4, 4);
        Assert.Equal(withToken, Seen(direction, classToken: 4));

        static IEnumerable<int> Seen(ScanDirection direction, int? classToken)
        {
            IEnumerable<int> sources = direction.Arrange(grid: 3, classToken);
            return direction.IsReversed ? sources.Reverse() : sources;
        }
    }

    [Fact]
    public void Every_direction_has_sites_of_its_own_and_the_gate_one_for_all()
    {
        VisionModel model = VisionModel.CreateRandom(Vim, seed: 1);
        Node[] linears = [.. model.Graph.Nodes.Where(node => node.Block == 0 && node.Operator is Linear)];
        Assert.Equal(2 + 4 * 2 + 2, linears.Length);
        Assert.Equal(
            [25, 25, 36, 36], Enumerable.Range(0, 4).Select(k => model.Graph[$"layers.0.mixer.x_proj_{k}"].Shape[0]));
        Assert.Equal(4, model.Graph["layers.0.mixer.attn.global_reduce"].Shape[0]);
        QuantizedModel quantized = MicroModel.Quantize(
            model, new Recipe { Method = "minmax", ActivationGranularity = Granularity.PerToken });
        Assert.Equal(36, quantized.Layers["layers.0.mixer.x_proj_3"].Input!.Scales.Length);
        Assert.Equal(4, quantized.Layers["layers.0.mixer.attn.channel_select"].Input!.Scales.Length);
    }

    [Theory]
    [MemberData(nameof(Recipes))]
    public void The_integer_runtime_equals_the_simulation_bit_for_bit(
        string method, string bits, Granularity granularity, Scope scope)
    {
        foreach (string name in (string[])["localvim", "localvim with a class token", "localvmamba"])
        {
            IntegerContract.AssertHolds(
                VisionModel.CreateRandom(ConfigOf(name), seed: 3),
                method,
                bits,
                granularity,
                scope,
                _folder["model.bitis"]);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Only_operators_that_have_a_kernel_are_in_a_plan_and_tokens_are_not_copied_into_other_orders(string name)
    {
        using InferenceSession session = InferenceSession.Create(VisionModel.CreateRandom(ConfigOf(name), seed: 1));
        Assert.DoesNotContain(
            session.Plan.Operations, operation => operation.Kind.Contains("reference", StringComparison.Ordinal));
        // The merging of patches alone is a copy.
        Assert.DoesNotContain(session.Plan.Operations, operation =>
            operation.Kind == "token order" && !operation.Name.EndsWith(".merge", StringComparison.Ordinal));
    }

    [Fact]
    public void A_session_gives_the_same_bits_with_several_threads()
    {
        foreach (string name in (string[])["localvim", "localvim with a class token", "localvmamba"])
        {
            VisionModel model = VisionModel.CreateRandom(ConfigOf(name), seed: 1);
            FloatTensor image = MicroModel.Images(model, 1, seed: 2);
            using InferenceSession one = InferenceSession.Create(model, new SessionOptions { Threads = 1 });
            using InferenceSession three = InferenceSession.Create(model, new SessionOptions { Threads = 3 });
            TensorAssert.Same(one.Run(image), three.Run(image));
        }
    }

    private static ModelConfig ConfigOf(string name) => name switch
    {
        "localvim" => Vim,
        "localvmamba" => VMamba,
        _ => Vim with { HasClassToken = true, HasRotaryPositions = false },
    };
}
