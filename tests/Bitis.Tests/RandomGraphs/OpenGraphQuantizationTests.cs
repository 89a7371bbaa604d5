using System.Numerics.Tensors;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Quantization;
using Bitis.Quantization.Files;
using Bitis.Quantization.Methods;
using Bitis.Tensors;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.RandomGraphs;

/// <summary>Quantization of graphs whose blocks, parameters and scans are not those of the families here.</summary>
public sealed class OpenGraphQuantizationTests : IDisposable
{
    private const int Channels = 8;

    private readonly GraphBuilder _graph = new([3, 4, 4]);
    private readonly TempFolder _folder = new();

    public static TheoryData<string> Methods => ["minmax", "smoothquant", "ptq4vm+", "qmamba+"];

    public static TheoryData<string> AllMethods => [.. QuantizationMethod.Names];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_blocks_first_linear_may_read_its_input(string method)
    {
        Node x = Tokens();
        _graph.Block = 0;
        x = Mixer("first", x);
        _graph.Block = 1;
        x = Mixer("second", x);
        _graph.Block = null;
        IsQuantized(method, Head(x), ["first.in", "first.out", "second.in", "second.out"]);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_first_node_may_belong_to_a_block(string method)
    {
        _graph.Block = 0;
        Node x = Mixer("first", Tokens());
        _graph.Block = 1;
        x = Mixer("second", x);
        _graph.Block = null;
        IsQuantized(method, Head(x), ["first.in", "first.out", "second.in", "second.out"]);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_output_may_belong_to_a_block(string method)
    {
        _graph.Block = 0;
        Node x = Mixer("first", Tokens());
        _graph.Block = 1;
        IsQuantized(method, Head(Mixer("second", x)), ["first.in", "first.out", "second.in", "second.out", "head"]);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_graph_without_blocks_is_one(string method) =>
        IsQuantized(
            method,
            Head(Mixer("second", Mixer("first", Tokens()))),
            ["first.in", "first.out", "second.in", "second.out", "head"]);

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_later_block_may_read_the_image(string method)
    {
        _graph.Block = 0;
        Node x = Mixer("first", Tokens());
        _graph.Block = 1;
        Node pixels = _graph.Add(
            "again.tokens",
            new FlattenSpatial(),
            _graph.Add("again", new Conv2d(3, Channels, 1, 1, 0, HasBias: true), _graph.Input));
        x = _graph.Add("sum", new Add(), Mixer("second", x), pixels);
        _graph.Block = null;
        IsQuantized(method, Head(x), ["first.in", "first.out", "second.in", "second.out"]);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_linear_layer_may_read_maps(string method)
    {
        Node rows = _graph.Add("rows", new Linear(4, 4, HasBias: true), _graph.Input);
        Node x = _graph.Add(
            "tokens", new FlattenSpatial(), _graph.Add("embed", new Conv2d(3, Channels, 1, 1, 0, HasBias: true), rows));
        IsQuantized(method, Head(Mixer("first", x)), ["rows", "first.in", "first.out", "head"]);
    }

    [Theory]
    [MemberData(nameof(AllMethods))]
    public void A_linear_layer_of_a_block_may_read_a_vector(string method)
    {
        Node x = Tokens();
        _graph.Block = 0;
        Node pool = _graph.Add("pool", new MeanTokens(), Mixer("first", x));
        Graph graph = _graph.Build(_graph.Add("head", new Linear(Channels, 5, HasBias: true), pool));
        Assert.Equal(["first.in", "first.out", "head"], Quantized(method, graph).Layers.Keys.Order());
    }

    [Theory]
    [MemberData(nameof(AllMethods))]
    public void A_classifier_may_have_nothing_but_vectors(string method)
    {
        Node x = _graph.Add("pool", new MeanTokens(), Tokens());
        x = _graph.Add("relu", new Relu(), _graph.Add("hidden", new Linear(Channels, 12, HasBias: true), x));
        Graph graph = _graph.Build(_graph.Add("head", new Linear(12, 5, HasBias: true), x));
        Assert.Equal(["head", "hidden"], Quantized(method, graph).Layers.Keys.Order());
    }

    [Theory]
    [MemberData(nameof(AllMethods))]
    public void Nodes_may_have_no_reader(string method)
    {
        _graph.Add("image.unused", new Silu(), _graph.Input);
        Node x = Tokens();
        Mixer("stem.unused", x);
        _graph.Block = 0;
        x = Mixer("first", x);
        Node unused = Mixer("first.unused", x);
        _graph.Block = null;
        _graph.Add("between.unused", new Silu(), unused);
        _graph.Block = 1;
        x = Mixer("second", x);
        _graph.Block = null;
        Graph graph = Head(x);
        Assert.Equal(
            ["first.in", "first.out", "first.unused.in", "first.unused.out", "second.in", "second.out"],
            Quantized(method, graph).Layers.Keys.Order());
    }

    [Theory]
    [MemberData(nameof(AllMethods))]
    public void Nobody_may_read_a_block(string method)
    {
        Node x = Tokens();
        _graph.Block = 0;
        Mixer("unused", x);
        _graph.Block = 1;
        x = Mixer("first", x);
        _graph.Block = 2;
        Scan("unused.scan", x);
        _graph.Block = 3;
        x = Head(x).Output;
        _graph.Block = 4;
        _graph.Add("last.unused", new Linear(5, 5, HasBias: true), x);
        Graph graph = _graph.Build(x);
        foreach (Scope scope in (Scope[])[Scope.Linear, Scope.Full])
        {
            QuantizedModel model = Quantized(method, graph, scope);
            Assert.Superset(
                (HashSet<string>)["unused.in", "unused.out", "first.in", "first.out", "head", "last.unused"],
                model.Layers.Keys.ToHashSet());
            Assert.Equal(scope == Scope.Full, model.Scans.ContainsKey("unused.scan.scan"));
        }
    }

    [Theory]
    [InlineData("ptq4vm+")]
    [InlineData("qmamba+")]
    public void A_block_with_several_results_is_refused_where_scales_are_learned(string method)
    {
        Node x = Tokens();
        _graph.Block = 0;
        Node left = Mixer("left", x), right = Mixer("right", x);
        _graph.Block = null;
        Graph graph = Head(_graph.Add("sum", new Add(), left, right));
        string message = Refused(graph, RecipeOf(method));
        Assert.Contains("'left.out'", message, StringComparison.Ordinal);
        Assert.Contains("'right.out'", message, StringComparison.Ordinal);
        Assert.Equal(4, Quantize(graph, RecipeOf("smoothquant")).Layers.Count);
    }

    [Fact]
    public void Nothing_to_quantize_is_refused()
    {
        Node x = Tokens();
        _graph.Block = 0;
        x = _graph.Add("silu", new Silu(), x);
        _graph.Block = null;
        Graph graph = Head(x);
        Assert.Contains("no linear layer in a block", Refused(graph, RecipeOf("minmax")), StringComparison.Ordinal);
        Assert.Contains("no linear layer in a block", Refused(graph, RecipeOf("ptq4vm+")), StringComparison.Ordinal);
        Assert.Contains(
            "no linear layer in a block",
            Refused(graph, RecipeOf("minmax") with { Overrides = [new("silu", new BitWidths(4, 4))] }),
            StringComparison.Ordinal);
        Assert.Equal(2, Quantize(graph, RecipeOf("minmax") with { Scope = Scope.Full }).Layers.Count);
    }

    [Fact]
    public void A_block_whose_nodes_do_not_lie_together_is_refused()
    {
        Node x = Tokens();
        _graph.Block = 0;
        x = Mixer("first", x);
        _graph.Block = 1;
        x = Mixer("second", x);
        _graph.Block = 0;
        x = Mixer("third", x);
        _graph.Block = null;
        Assert.Contains(
            "'third.in' belongs to block 0", Refused(Head(x), RecipeOf("ptq4vm+")), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_parameter_may_have_any_name(string method)
    {
        Node x = _graph.Add("linear", new Linear(Channels, Channels, HasBias: true), [Tokens()], ["matrix", "offset"]);
        Graph graph = Head(x);
        QuantizedModel model = Quantize(graph, RecipeOf(method));
        Assert.Equal(
            graph.Parameters.Select(parameter => parameter.Name).Order(), model.DequantizeWeights().Keys.Order());
        TensorAssert.Close(
            Weights(graph)["matrix"], model.DequantizeWeights()["matrix"], method == "minmax" ? 0.01 : 0.1);

        string path = Path.Combine(_folder.Path, "layers.safetensors");
        SafetensorsWriter.Write(
            path, QuantizedModelFile.TensorsOf(model.Layers, graph), new Dictionary<string, string>
            {
                [QuantizedModelFile.LayersKey] = QuantizedModelFile.LayersOf(model.Layers),
            });
        using Checkpoint file = Checkpoint.Open(path);
        Assert.Contains(file.Entries, entry => entry.Name == "matrix");
        Dictionary<string, QuantizedLayer> read = QuantizedModelFile.ReadLayers(
            new TensorDirectory(file), graph, model.Recipe);
        Assert.Equal(model.Layers["linear"].Levels, read["linear"].Levels);
    }

    [Fact]
    public void Shipped_families_name_their_weights_after_their_layers()
    {
        // So that files have the tensors that they have always had.
        foreach (string model in SmallModels.Names)
        {
            Assert.All(
                SmallModels.Get(model, classes: 2)
                    .BuildGraph().Nodes.Where(node => QuantizedLayer.Covers(node.Operator)),
                node => Assert.Equal($"{node.Name}.weight", node.ParameterNames[0]));
        }
    }

    [Fact]
    public void Shared_parameters_are_drawn_once()
    {
        Graph graph = Head(Shared());
        Dictionary<string, FloatTensor> weights = Initialization.Create(
            graph, 1, (_, _, random) => _ => random.NextNormal());
        Assert.Equal(graph.Parameters.Select(parameter => parameter.Name), weights.Keys);
    }

    [Fact]
    public void Layers_that_share_their_weights_are_refused_by_name()
    {
        Graph graph = Head(Shared());
        string message = Refused(graph, RecipeOf("minmax"));
        Assert.Contains("'a' and 'b' share the parameter 'shared.weight'", message, StringComparison.Ordinal);
        Assert.Equal(
            3, Quantize(graph, RecipeOf("minmax") with { Bits = new BitWidths(BitWidths.Float, 8) }).Layers.Count);
        Assert.Single(
            Quantize(
                graph,
                RecipeOf("minmax") with { Overrides = [new("a", BitWidths.None), new("b", BitWidths.None)] }).Layers);
    }

    [Fact]
    public void A_parameter_has_one_shape()
    {
        Node x = _graph.Add("a", new Linear(Channels, 4, HasBias: false), [Tokens()], ["shared"]);
        string message = Assert.Throws<ArgumentException>(
            () => _graph.Add("b", new Linear(4, Channels, HasBias: false), [x], ["shared"])).Message;
        Assert.Contains("'shared' is [8, 4] at 'b' and [4, 8] at 'a'", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Smoothing_is_not_folded_into_norms_that_share_their_parameters()
    {
        Node x = Tokens();
        string[] shared = ["norm.weight", "norm.bias"];
        Node first = _graph.Add("norm.a", new LayerNorm(Channels, 1e-5f), [x], shared);
        x = _graph.Add("sum", new Add(), x, _graph.Add("linear", new Linear(Channels, Channels, HasBias: true), first));
        Graph graph = Head(
            _graph.Add("relu", new Relu(), _graph.Add("norm.b", new LayerNorm(Channels, 1e-5f), [x], shared)));
        IsCloseToFloat(graph, Quantize(graph, RecipeOf("smoothquant")));
    }

    [Fact]
    public void Smoothing_is_not_folded_into_the_answer()
    {
        Node x = _graph.Add("pool", new MeanTokens(), Tokens());
        Node norm = _graph.Add("norm", new LayerNorm(Channels, 1e-5f), x);
        _graph.Add("other", new Linear(Channels, Channels, HasBias: true), norm); // nobody asks for it
        Graph graph = _graph.Build(norm);
        IsCloseToFloat(graph, Quantize(graph, RecipeOf("smoothquant")));
    }

    [Fact]
    public void Scans_without_a_softplus_of_their_own_are_refused_by_name()
    {
        Node u = Tokens(), delta = _graph.Add("delta", new Sigmoid(), u);
        Node b = _graph.Add("b", new Linear(Channels, 4, HasBias: false), u),
            c = _graph.Add("c", new Linear(Channels, 4, HasBias: false), u);
        Graph graph = Head(_graph.Add("scan", new SelectiveScan(Channels, 4), u, delta, b, c));
        string message = Refused(graph, RecipeOf("minmax") with { Scope = Scope.Ssm });
        Assert.Contains("'scan'", message, StringComparison.Ordinal);
        Assert.Contains("'delta'", message, StringComparison.Ordinal);
        Assert.Equal(3, Quantize(graph, RecipeOf("minmax")).Layers.Count);
    }

    [Fact]
    public void Scans_that_a_blocks_border_cuts_are_refused_by_name()
    {
        Node u = Tokens(), delta = _graph.Add("delta", new Softplus(), u);
        Node b = _graph.Add("b", new Linear(Channels, 4, HasBias: false), u),
            c = _graph.Add("c", new Linear(Channels, 4, HasBias: false), u);
        _graph.Block = 0;
        Node y = Mixer("first", _graph.Add("scan", new SelectiveScan(Channels, 4), u, delta, b, c));
        _graph.Block = null;
        Graph graph = Head(y);
        string message = Refused(graph, RecipeOf("ptq4vm+") with { Scope = Scope.Ssm });
        Assert.Contains("'scan'", message, StringComparison.Ordinal);
        Assert.Contains("'delta'", message, StringComparison.Ordinal);
        Assert.Single(Quantize(graph, RecipeOf("minmax") with { Scope = Scope.Ssm }).Scans);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_block_may_have_a_scan_before_its_first_linear(string method)
    {
        _graph.Block = 0;
        Node u = Tokens(),
            delta = _graph.Add("delta", new Softplus(), _graph.Add("dt", new CausalConv1d(Channels, 2), u));
        Node b = _graph.Add("b", new GridConv2d(Channels, 4, 4, 4, 1, 1, 0), u),
            c = _graph.Add("c", new GridConv2d(Channels, 4, 4, 4, 1, 1, 0), u);
        Node x = Mixer("first", _graph.Add("scan", new SelectiveScan(Channels, 4), u, delta, b, c));
        _graph.Block = null;
        Graph graph = Head(x);
        QuantizedModel model = Quantize(graph, RecipeOf(method) with { Scope = Scope.Ssm });
        Assert.Equal(["scan"], model.Scans.Keys);
        Assert.Equal(["first.in", "first.out"], model.Layers.Keys.Order());
        IsCloseToFloat(graph, model);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Scans_may_lie_outside_of_blocks(string method)
    {
        Node x = Scan("stem", Tokens());
        _graph.Block = 0;
        x = Mixer("first", x);
        _graph.Block = null;
        x = Scan("between", x);
        _graph.Block = 1;
        x = Mixer("second", x);
        _graph.Block = null;
        Graph graph = Head(x);
        QuantizedModel model = Quantize(graph, RecipeOf(method) with { Scope = Scope.Ssm });
        Assert.Equal(["between.scan", "stem.scan"], model.Scans.Keys.Order());
        IsCloseToFloat(graph, model);
    }

    /// <summary>A quantized model that computes what its simulation does.</summary>
    private static QuantizedModel Quantized(string method, Graph graph, Scope scope = Scope.Linear)
    {
        QuantizedModel model = Quantize(graph, RecipeOf(method) with { Scope = scope });
        FloatTensor images = GraphWeights.Images(graph, 4, seed: 3);
        TensorAssert.Same(GraphModels.Simulate(model, images), GraphModels.Session(model, images));
        return model;
    }

    private static void IsQuantized(string method, Graph graph, string[] layers)
    {
        QuantizedModel model = Quantize(graph, RecipeOf(method));
        Assert.Equal(layers.Order(), model.Layers.Keys.Order());
        Assert.All(model.Layers.Values, layer => Assert.True(layer.IsInteger));
        IsCloseToFloat(graph, model);
    }

    private static void IsCloseToFloat(Graph graph, QuantizedModel model)
    {
        var one = new GraphCase(graph, seed: 1);
        FloatTensor integers = GraphModels.Session(model, one.Images);
        TensorAssert.Same(GraphModels.Simulate(model, one.Images), integers);
        double error = TensorPrimitives.Distance<float>(
            one.Reference.Span, integers.Span) / TensorPrimitives.Norm<float>(one.Reference.Span);
        Assert.InRange(error, 0, 0.1);
    }

    private static string Refused(Graph graph, Recipe recipe) =>
        Assert.Throws<BitisException>(() => Quantize(graph, recipe)).Message;

    private static QuantizedModel Quantize(Graph graph, Recipe recipe) =>
        GraphModels.Quantize(graph, Weights(graph), GraphWeights.Images(graph, 8, seed: 2), recipe);

    private static Dictionary<string, FloatTensor> Weights(Graph graph) => GraphWeights.Of(graph, seed: 1);

    private static Recipe RecipeOf(string method) => new Recipe { Method = method }.WithSteps(3);

    private Node Tokens() =>
        _graph.Add(
            "tokens",
            new FlattenSpatial(),
            _graph.Add("embed", new Conv2d(3, Channels, 1, 1, 0, HasBias: true), _graph.Input));

    private Node Mixer(string name, Node x)
    {
        Node inner = _graph.Add($"{name}.in", new Linear(x.Shape[1], 12, HasBias: true), x);
        return _graph.Add(
            $"{name}.out", new Linear(12, Channels, HasBias: true), _graph.Add($"{name}.silu", new Silu(), inner));
    }

    private Node Scan(string name, Node u)
    {
        Node delta = _graph.Add(
            $"{name}.delta",
            new Softplus(),
            _graph.Add($"{name}.dt", new Linear(Channels, Channels, HasBias: true), u));
        Node b = _graph.Add($"{name}.b", new Linear(Channels, 4, HasBias: false), u),
            c = _graph.Add($"{name}.c", new Linear(Channels, 4, HasBias: false), u);
        return _graph.Add($"{name}.scan", new SelectiveScan(Channels, 4), u, delta, b, c);
    }

    private Node Shared()
    {
        string[] shared = ["shared.weight", "shared.bias"];
        Node x = _graph.Add("a", new Linear(Channels, Channels, HasBias: true), [Tokens()], shared);
        return _graph.Add(
            "b", new Linear(Channels, Channels, HasBias: true), [_graph.Add("relu", new Relu(), x)], shared);
    }

    private Graph Head(Node x) =>
        _graph.Build(
            _graph.Add("head", new Linear(x.Shape[1], 5, HasBias: true), _graph.Add("pool", new MeanTokens(), x)));
}
