using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.RandomGraphs;

/// <summary>
/// Graphs that sessions, training or quantization once got wrong, each by itself; found by random graphs.
/// </summary>
public sealed class FoundGraphTests
{
    private const int Side = 4, Channels = 8;

    private readonly GraphBuilder _graph = new([3, Side, Side]);
    private GraphCase? _classified;

    [Fact]
    public void A_gate_may_be_written_before_the_values()
    {
        Node x = Tokens();
        Node silu = _graph.Add("s", new Silu(), Linear("z", x));
        IsRight(_graph.Add("y", new Multiply(), Linear("v", x), silu));
    }

    [Fact]
    public void A_gate_may_be_written_after_the_values()
    {
        Node x = Tokens(), values = Linear("v", x);
        IsRight(_graph.Add("y", new Multiply(), values, _graph.Add("s", new Silu(), Linear("z", x))));
    }

    [Fact]
    public void A_gate_may_be_on_the_left_and_written_before_the_values()
    {
        Node x = Tokens();
        Node silu = _graph.Add("s", new Silu(), Linear("z", x));
        IsRight(_graph.Add("y", new Multiply(), silu, Linear("v", x)));
    }

    [Fact]
    public void A_gate_may_be_on_the_left_and_written_after_the_values()
    {
        Node x = Tokens(), values = Linear("v", x);
        IsRight(_graph.Add("y", new Multiply(), _graph.Add("s", new Silu(), Linear("z", x)), values));
    }

    [Fact]
    public void Both_sides_of_a_product_may_be_gates()
    {
        Node x = Tokens();
        IsRight(
            _graph.Add(
                "y",
                new Multiply(),
                _graph.Add("s", new Silu(), Linear("z", x)),
                _graph.Add("t", new Silu(), Linear("v", x))));
    }

    [Fact]
    public void A_gate_may_be_a_causal_convolution()
    {
        Node x = Tokens();
        Node silu = _graph.Add("s", new Silu(), _graph.Add("conv", new CausalConv1d(Channels, 3), x));
        IsRight(_graph.Add("y", new Multiply(), Linear("v", x), silu));
    }

    [Fact]
    public void A_gate_may_be_a_convolution_whose_silu_is_written_last()
    {
        Node x = Tokens();
        Node convolved = _graph.Add("conv", new CausalConv1d(Channels, 3), x), values = Linear("v", x);
        IsRight(_graph.Add("y", new Multiply(), values, _graph.Add("s", new Silu(), convolved)));
    }

    [Fact]
    public void A_gate_may_be_a_depthwise_convolution()
    {
        Node x = Tokens();
        Node silu = _graph.Add(
            "s", new Silu(), _graph.Add("conv", new DepthwiseConv2d(Channels, Side, Side, 3, HasBias: true), x));
        IsRight(_graph.Add("y", new Multiply(), Linear("v", x), silu));
    }

    [Fact]
    public void A_gate_may_be_of_what_is_gated()
    {
        Node x = Linear("v", Tokens());
        Node silu = _graph.Add("s", new Silu(), x);
        IsRight(_graph.Add("y", new Multiply(), Linear("w", x), silu));
    }

    [Fact]
    public void A_gate_may_have_other_users()
    {
        Node x = Tokens();
        Node silu = _graph.Add("s", new Silu(), Linear("z", x));
        IsRight(_graph.Add("sum", new Add(), _graph.Add("y", new Multiply(), Linear("v", x), silu), silu));
    }

    [Fact]
    public void Gated_values_may_be_scaled_before_the_gate_is_written()
    {
        Node x = Tokens();
        Node scaled = _graph.Add("half", new Scale(0.5f), Linear("v", x));
        Node gate = _graph.Add("s", new Silu(), Linear("z", x));
        IsRight(_graph.Add("y", new Multiply(), scaled, gate));
    }

    [Fact]
    public void Gated_values_may_be_scaled_after_the_gate_is_written()
    {
        Node x = Tokens();
        Node gate = _graph.Add("s", new Silu(), Linear("z", x));
        IsRight(_graph.Add("y", new Multiply(), _graph.Add("half", new Scale(0.5f), Linear("v", x)), gate));
    }

    [Fact]
    public void A_product_may_have_arranged_and_reversed_tokens()
    {
        Node x = Tokens();
        IsRight(_graph.Add("y", new Multiply(), ByColumn(x), Reversed(x)));
    }

    [Fact]
    public void A_product_may_have_reversed_and_arranged_tokens()
    {
        Node x = Tokens();
        IsRight(_graph.Add("y", new Multiply(), Reversed(x), ByColumn(x)));
    }

    [Fact]
    public void A_product_may_have_reversed_tokens_on_one_side()
    {
        Node x = Tokens();
        IsRight(_graph.Add("y", new Multiply(), x, Reversed(x)));
    }

    [Fact]
    public void A_sum_may_have_arranged_and_reversed_tokens()
    {
        Node x = Tokens();
        IsRight(_graph.Add("norm", new RmsNorm(Channels, 1e-5f), _graph.Add("y", new Add(), Reversed(x), ByColumn(x))));
    }

    [Fact]
    public void Means_of_norms_may_be_of_reversed_tokens()
    {
        Node x = Tokens();
        IsRight(_graph.Add("y", new MeanOfNorms(Channels, 1e-5f), Reversed(x), x, ByColumn(x)));
    }

    [Fact]
    public void Means_of_norms_may_be_of_arranged_tokens_in_reverse()
    {
        Node x = Tokens();
        IsRight(_graph.Add("y", new MeanOfNorms(Channels, 1e-5f), Reversed(ByColumn(x)), x));
    }

    [Fact]
    public void A_gated_sum_may_be_of_reversed_tokens()
    {
        Node x = Tokens();
        Node gates = _graph.Add("gates", new MeanOfNorms(Channels, 1e-5f), x, x, x);
        IsRight(_graph.Add("y", new GatedSum(), gates, Reversed(x), x, ByColumn(x)));
    }

    [Fact]
    public void A_gated_sum_may_have_reversed_gates()
    {
        Node x = Tokens();
        Node gates = Reversed(_graph.Add("gates", new MeanOfNorms(Channels, 1e-5f), x, Linear("other", x)));
        IsRight(_graph.Add("y", new GatedSum(), gates, x, Linear("second", x)));
    }

    /// <summary>What takes tokens, one by one: reversed, in columns, and both.</summary>
    public static TheoryData<string, string> Ordered
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string consumer in Consumers.Keys)
            {
                foreach (string order in (string[])["reversed", "columns", "columns reversed"])
                    data.Add(consumer, order);
            }
            return data;
        }
    }

    private static Dictionary<string, Operator> Consumers { get; } = new Operator[]
    {
        new Linear(Channels, Channels, HasBias: true), new Silu(), new Softplus(), new Scale(0.5f), new RmsNorm(
            Channels, 1e-5f), new LayerNorm(Channels, 1e-5f),
        new GroupNorm(Channels, 2, 1e-5f), new CausalConv1d(Channels, 3), new DepthwiseConv2d(
            Channels, Side, Side, 3, HasBias: true),
        new GridConv2d(Channels, Channels, Side, Side, 2, 2, 0), new MergePatches(Side, Side), new InsertToken(
            2, Channels), new SliceChannels(0, Channels),
        new AddEmbedding(Side * Side, Channels), new RotaryPositions(Side, Channels, Side), new Attention(
            Channels / 4, 1), new MeanOfNorms(Channels, 1e-5f),
        new ArrangeTokens([3, 1, -1, 2]), new ReverseTokens(),
    }.ToDictionary(op => op.Kind);

    [Theory]
    [MemberData(nameof(Ordered))]
    public void Every_operator_takes_tokens_in_any_order(string consumer, string order)
    {
        Node x = Tokens();
        if (order.StartsWith("columns", StringComparison.Ordinal))
            x = ByColumn(x);
        if (order.EndsWith("reversed", StringComparison.Ordinal))
            x = Reversed(x);
        if (consumer == "attention")
            x = _graph.Add("qkv", new Linear(Channels, Channels / 4 * 3, HasBias: true), x);
        IsRight(_graph.Add("y", Consumers[consumer], x));
    }

    [Fact]
    public void Pixels_may_be_tokens()
    {
        IsRight(Linear("v", _graph.Add("tokens", new FlattenSpatial(), _graph.Input)));
    }

    [Fact]
    public void An_image_may_be_changed_before_it_becomes_tokens()
    {
        Node image = _graph.Add("half", new Scale(0.5f), _graph.Input);
        IsRight(
            _graph.Add(
                "flat",
                new FlattenSpatial(),
                _graph.Add("embed", new Conv2d(3, Channels, 2, 2, 0, HasBias: true), image)));
    }

    [Fact]
    public void A_slice_may_be_all_that_is_read_of_a_value()
    {
        IsRight(_graph.Add("slice", new SliceChannels(2, 3), Tokens()));
    }

    [Fact]
    public void Slices_may_overlap()
    {
        Node x = Tokens();
        IsRight(
            _graph.Add(
                "y",
                new Add(),
                _graph.Add("left", new SliceChannels(0, 5), x),
                _graph.Add("right", new SliceChannels(3, 5), x)));
    }

    [Fact]
    public void A_map_may_be_read_whole_and_in_slices()
    {
        Node map = _graph.Add("map", new Conv2d(3, Channels, 1, 1, 0, HasBias: true), _graph.Input);
        Node slice = _graph.Add("slice", new SliceChannels(1, 2), map);
        Node left = _graph.Add("left.tokens", new FlattenSpatial(), slice),
            right = _graph.Add("right.tokens", new FlattenSpatial(), map);
        Node sum = _graph.Add("right.mean", new MeanTokens(), right);
        sum = _graph.Add("both", new Add(), sum, _graph.Add("left.mean", new MeanTokens(), left));
        IsRight(new GraphCase(_graph.Build(_graph.Add("head", new Linear(Channels, 5, HasBias: true), sum)), seed: 1));
    }

    [Fact]
    public void A_value_may_be_read_whole_and_in_slices()
    {
        Node x = Tokens();
        Node slice = _graph.Add("slice", new SliceChannels(2, 4), x);
        IsRight(_graph.Add("y", new Add(), x, _graph.Add("wide", new Linear(4, Channels, HasBias: true), slice)));
    }

    [Fact]
    public void Scans_may_have_operands_with_other_users()
    {
        Node u = Tokens(), delta = _graph.Add("delta", new Softplus(), Linear("dt", u));
        Node b = _graph.Add("b", new Linear(Channels, 4, HasBias: false), u);
        Node y = _graph.Add("scan", new SelectiveScan(Channels, 4), u, delta, b, b);
        IsRight(_graph.Add("sum", new Add(), y, delta));
    }

    [Fact]
    public void Scans_may_have_operands_in_other_orders()
    {
        Node u = Tokens(), delta = _graph.Add("delta", new Softplus(), Linear("dt", u));
        Node b = _graph.Add("b", new Linear(Channels, 4, HasBias: false), u),
            c = _graph.Add("c", new Linear(Channels, 4, HasBias: false), u);
        IsRight(_graph.Add("scan", new SelectiveScan(Channels, 4), u, delta, b, Reversed(c)));
    }

    [Fact]
    public void Scans_may_have_any_step()
    {
        Node u = Tokens(), delta = _graph.Add("delta", new Sigmoid(), Linear("dt", u));
        Node b = _graph.Add("b", new Linear(Channels, 4, HasBias: false), u),
            c = _graph.Add("c", new Linear(Channels, 4, HasBias: false), u);
        IsRight(_graph.Add("scan", new SelectiveScan(Channels, 4), u, delta, b, c));
    }

    [Fact]
    public void Equal_layers_may_share_their_weights()
    {
        Node x = Tokens();
        Node first = _graph.Add(
            "a", new Linear(Channels, Channels, HasBias: true), [x], ["shared.weight", "shared.bias"]);
        Node second = _graph.Add(
            "b",
            new Linear(Channels, Channels, HasBias: true),
            [_graph.Add("relu", new Relu(), first)],
            ["shared.weight", "shared.bias"]);
        IsRight(_graph.Add("norm", new LayerNorm(Channels, 1e-5f), second));
    }

    [Fact]
    public void A_softplus_by_itself_has_the_bits_of_the_simulation()
    {
        Node x = Tokens();
        IntegersAreRight(_graph.Add("y", new Softplus(), Linear("v", x)), "minmax", Scope.Linear);
    }

    [Fact]
    public void Means_of_norms_of_reversed_tokens_have_the_bits_of_the_simulation()
    {
        Node x = Linear("v", Tokens());
        IntegersAreRight(_graph.Add("y", new MeanOfNorms(Channels, 1e-5f), x, Reversed(x)), "minmax", Scope.Linear);
    }

    [Fact]
    public void A_mean_of_reversed_tokens_has_the_bits_of_the_simulation()
    {
        Node x = _graph.Add("mean", new MeanTokens(), Reversed(Linear("v", Tokens())));
        IntegersAreRight(x, "minmax", Scope.Linear);
    }

    [Fact]
    public void A_scan_without_a_softplus_has_the_bits_of_the_simulation()
    {
        Node u = Tokens(), delta = _graph.Add("delta", new Sigmoid(), Linear("dt", u));
        Node b = _graph.Add("b", new Linear(Channels, 4, HasBias: false), u),
            c = _graph.Add("c", new Linear(Channels, 4, HasBias: false), u);
        IntegersAreRight(_graph.Add("scan", new SelectiveScan(Channels, 4), u, delta, b, c), "minmax", Scope.Linear);
    }

    [Fact]
    public void A_linear_layer_over_a_maps_rows_has_the_bits_of_the_simulation()
    {
        Node map = _graph.Add("map", new Conv2d(3, Channels, 2, 1, 0, HasBias: false), _graph.Input);
        Node rows = _graph.Add("rows", new Linear(Side - 1, Side - 1, HasBias: false), map);
        Node tokens = _graph.Add("tokens", new FlattenSpatial(), rows);
        IntegersAreRight(_graph.Add("relu", new Relu(), Linear("v", tokens)), "minmax", Scope.Linear);
    }

    [Fact]
    public void A_convolution_between_maps_has_the_bits_of_the_simulation()
    {
        Node map = _graph.Add("first", new Conv2d(3, 4, 3, 1, 1, HasBias: true), _graph.Input);
        Node tokens = _graph.Add(
            "tokens", new FlattenSpatial(), _graph.Add("second", new Conv2d(4, Channels, 2, 2, 0, HasBias: true), map));
        Node y = _graph.Add("relu", new Relu(), Linear("v", tokens));
        IntegersAreRight(y, "minmax", Scope.Linear);
        IntegersAreRight(y, "minmax", Scope.Full);
    }

    [Fact]
    public void A_convolution_without_its_silu_is_quantized()
    {
        IntegersAreRight(_graph.Add("conv", new CausalConv1d(Channels, 3), Tokens()), "minmax", Scope.Full);
    }

    [Fact]
    public void A_block_may_give_its_tokens_in_reverse()
    {
        Node x = Tokens();
        _graph.Block = 0;
        Node y = Reversed(Linear("v", _graph.Add("norm", new RmsNorm(Channels, 1e-5f), x)));
        _graph.Block = null; // the head, which stays float32
        foreach (string method in (string[])["smoothquant", "ptq4vm+", "qmamba+"])
            IntegersAreRight(y, method, Scope.Linear, floatHead: false);
    }

    [Fact]
    public void A_block_may_give_its_tokens_in_another_order()
    {
        Node x = Tokens();
        _graph.Block = 0;
        Node y = ByColumn(Linear("v", _graph.Add("norm", new RmsNorm(Channels, 1e-5f), x)));
        _graph.Block = null; // the head, which stays float32
        foreach (string method in (string[])["smoothquant", "ptq4vm+", "qmamba+"])
            IntegersAreRight(y, method, Scope.Linear, floatHead: false);
    }

    private Node Tokens() =>
        _graph.Add(
            "tokens",
            new FlattenSpatial(),
            _graph.Add("embed", new Conv2d(3, Channels, 1, 1, 0, HasBias: true), _graph.Input));

    private Node Linear(string name, Node x) => _graph.Add(name, new Linear(x.Shape[^1], Channels, HasBias: true), x);

    private Node Reversed(Node x) => _graph.Add($"{x.Name}.reversed", new ReverseTokens(), x);

    private Node ByColumn(Node x) => _graph.Add($"{x.Name}.columns", ArrangeTokens.ByColumn(2, x.Shape[0] / 2), x);

    /// <summary>
    /// A session, training and its gradients agree with the reference; the value is read by a linear layer token by
    /// token, and as it is.
    /// </summary>
    private void IsRight(Node value)
    {
        var dense = new GraphCase(_graph.Build(value), seed: 1);
        Assert.Null(GraphChecks.Session(dense));
        IsRight(Classified(value));
    }

    /// <summary>Training may refuse by name what it does not support; it must not compute something else.</summary>
    private static void IsRight(GraphCase graph)
    {
        Assert.Null(GraphChecks.Session(graph));
        Finding? training = GraphChecks.Training(graph);
        if (training?.Kind == FindingKind.Refusal)
            return;
        Assert.Null(training);
        Assert.Null(GraphChecks.Gradients(graph));
    }

    /// <summary>A session in integers gives the bits of the simulation.</summary>
    private void IntegersAreRight(Node value, string method, Scope scope, bool floatHead = true)
    {
        var recipe = new Recipe
        {
            Method = method,
            Scope = scope,
            Overrides = floatHead ? [new("head", BitWidths.None)] : [], // so that the smallest difference is seen
        }.WithSteps(2);
        GraphCase graph = Classified(value);
        QuantizedModel model = GraphModels.Quantize(graph.Graph, graph.Weights, graph.Images, recipe);
        Assert.NotEmpty(model.Layers);
        TensorAssert.Same(GraphModels.Simulate(model, graph.Images), GraphModels.Session(model, graph.Images));
    }

    /// <summary>Five logits of a value; the token that counts is not the same from both ends.</summary>
    private GraphCase Classified(Node value)
    {
        if (_classified is not null)
            return _classified;
        Node token = value.Shape.Rank == 1
            ? value
            : _graph.Add("token", new SelectToken(Math.Min(1, value.Shape[0] - 1)), value);
        return _classified = new GraphCase(
            _graph.Build(_graph.Add("head", new Linear(value.Shape[^1], 5, HasBias: true), token)), seed: 1);
    }
}
