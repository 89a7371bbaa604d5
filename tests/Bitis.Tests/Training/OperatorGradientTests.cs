using Bitis.Execution.Gradients;
using Bitis.Execution.LowBit;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Grids;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Reconstruction;
using Bitis.Tensors;
using Bitis.Tests.RandomGraphs;
using Bitis.Training;
using Bitis.Training.Losses;

namespace Bitis.Tests.Training;

/// <summary>
/// Every operator, in small graphs and in the company of others, against central differences in float64.
/// </summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class OperatorGradientTests
{
    private const int Side = 5, Classes = 3, Batch = 9; // more images than parts, and not a multiple of anything
    private const int MostElements = 40; // of a parameter, from all over it
    private const double Step = 1e-5;

    private static readonly Dictionary<string, Func<GraphBuilder, Node>> Graphs = new()
    {
        ["a convolution between maps"] = b =>
            Tokens(b, Convolve(b, "second", Convolve(b, "first", b.Input, 3, 4), 4, 5)),
        ["a convolution with stride and padding, without bias"] = b =>
            Tokens(b, b.Add("second", new Conv2d(4, 3, 3, 2, 2, HasBias: false), Convolve(b, "first", b.Input, 3, 4))),
        ["a map that two convolutions see"] = b => Shared(b, Convolve(b, "first", b.Input, 3, 4)),
        ["a depthwise convolution"] = b =>
            b.Add("depthwise", new DepthwiseConv2d(4, Side, Side, 3, HasBias: true), Embed(b, 4)),
        ["a depthwise convolution of five places, without bias, and what it sees"] = b => Around(
            b, Embed(b, 4), x => b.Add("depthwise", new DepthwiseConv2d(4, Side, Side, 5, HasBias: false), x)),
        ["a depthwise convolution and its silu"] = b => Around(b, Embed(b, 4), x =>
            b.Add("silu", new Silu(), b.Add("depthwise", new DepthwiseConv2d(4, Side, Side, 3, HasBias: false), x))),
        ["a convolution over a grid"] = b => b.Add("grid", new GridConv2d(4, 3, Side, Side, 3, 2, 1), Embed(b, 4)),
        ["a convolution over a grid that others see"] = b =>
            Around(b, Embed(b, 4), x => b.Add("grid", new GridConv2d(4, 4, Side, Side, 3, 1, 1), x)),
        ["a convolution over a grid without a bias"] = b => Around(b, Embed(b, 4), x =>
            b.Add("grid", new GridConv2d(4, 4, Side, Side, 3, 1, 1) { LacksBias = true }, x)),
        ["a batch norm"] = b => Around(b, Embed(b, 4), x => b.Add("norm", new BatchNorm(4, 1e-5f), x)),
        ["a batch norm of a slice"] = b => Halves(b, Embed(b, 6), (left, right) =>
            b.Add("both", new Add(), b.Add("norm", new BatchNorm(3, 1e-5f), left), right)),
        ["a batch norm of reversed tokens"] = b => Around(b, Embed(b, 4), x => b.Add(
            "back", new ReverseTokens(),
            b.Add("norm", new BatchNorm(4, 1e-5f), b.Add("reverse", new ReverseTokens(), x)))),
        ["a grid resized up"] = b => Linear(
            b, "l", b.Add("resize", new GridResize(Side, Side, 7, 9), Linear(b, "x", Embed(b, 4)))),
        ["a grid resized down, and others that see it"] = b => Around(b, Embed(b, 4), x =>
            b.Add("up", new GridResize(2, 3, Side, Side), b.Add("down", new GridResize(Side, Side, 2, 3), x))),
        ["a grid pooled to bins that overlap, and others that see it"] = b => Around(b, Embed(b, 4), x =>
            b.Add("up", new GridResize(3, 3, Side, Side), b.Add("pool", new GridPool(Side, Side, 3), x))),
        ["a grid pooled to more bins than tokens"] = b =>
            Linear(b, "l", b.Add("pool", new GridPool(Side, Side, 6), Linear(b, "x", Embed(b, 4)))),
        ["values side by side"] = b => Halves(b, Embed(b, 6), (left, right) =>
            Linear(b, "l", b.Add("concat", new ConcatChannels(), right, Linear(b, "m", left), right))),
        ["values side by side in reverse"] = b => Around(b, Embed(b, 4), x => With(
            b.Add("reverse", new ReverseTokens(), x), y => b.Add("half", new SliceChannels(2, 4), b.Add(
                "back", new ReverseTokens(), b.Add("concat", new ConcatChannels(), y, Linear(b, "m", y)))))),
        ["tokens in the other order"] = b => b.Add(
            "depthwise", new DepthwiseConv2d(4, Side, Side, 3, HasBias: true), b.Add(
                "transpose", ArrangeTokens.ByColumn(Side, Side), Embed(b, 4))),
        ["tokens in both orders"] = b =>
            Around(b, Embed(b, 4), x => b.Add("transpose", ArrangeTokens.ByColumn(Side, Side), x)),
        ["tokens of windows over the edge"] = b =>
            b.Add("causal", new CausalConv1d(4, 3), b.Add("windows", Windows(), Embed(b, 4))),
        ["tokens of windows over the edge, and others that see them"] = b => Around(
            b, Embed(b, 4), x => b.Add("back", Windows().Inverse(Side * Side), b.Add("windows", Windows(), x))),
        ["some tokens"] = b => b.Add("some", new ArrangeTokens([7, -1, 3]), Embed(b, 4)),
        ["some tokens of a value with other users"] = b => Around(b, Embed(b, 4), x => b.Add("most", Without(3), x)),
        ["sigmoid"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Sigmoid(), x)),
        ["rotary positions"] = b =>
            b.Add("norm", new LayerNorm(4, 1e-5f), b.Add("rope", new RotaryPositions(Side, 4, 3), Embed(b, 4))),
        ["rotary positions of a value with other users"] = b =>
            Around(b, Embed(b, 8), x => b.Add("rope", new RotaryPositions(Side, 8, 14), x)),
        ["means of norms"] = b =>
            Halves(b, Embed(b, 8), (left, right) => Mixed(b, b.Add("means", new MeanOfNorms(4, 1e-5f), left, right))),
        ["a gated sum"] = b =>
            Halves(b, Embed(b, 8), (left, right) => b.Add("sum", new GatedSum(), Gates(b, left, right), left, right)),
        ["a gated sum of what others see"] = b =>
            Around(b, Embed(b, 4), x => b.Add("sum", new GatedSum(), Gates(b, x, x), x, x)),
        ["merged patches"] = b =>
            b.Add("norm", new LayerNorm(16, 1e-5f), b.Add("merge", new MergePatches(Side, Side), Embed(b, 4))),
        ["a causal convolution"] = b => b.Add("causal", new CausalConv1d(4, 3), Embed(b, 4)),
        ["silu"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Silu(), x)),
        ["gelu"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Gelu(), x)),
        ["relu"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Relu(), x)),
        ["relu of a slice"] = b =>
            Halves(b, Embed(b, 6), (left, right) => b.Add("both", new Add(), b.Add("y", new Relu(), left), right)),
        ["group norm"] = b => Around(b, Embed(b, 6), x => b.Add("y", new GroupNorm(6, 2, 1e-5f), x)),
        ["group norm of a slice"] = b => Halves(b, Embed(b, 6), (left, right) =>
            b.Add("both", new Add(), b.Add("y", new GroupNorm(3, 1, 1e-5f), left), right)),
        ["softplus"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Softplus(), x)),
        ["rms norm"] = b => Around(b, Embed(b, 4), x => b.Add("y", new RmsNorm(4, 1e-5f), x)),
        ["layer norm"] = b => Around(b, Embed(b, 4), x => b.Add("y", new LayerNorm(4, 1e-5f), x)),
        ["attention"] = b =>
            b.Add("y", new Attention(4, 2), b.Add("qkv", new Linear(4, 12, HasBias: true), Embed(b, 4))),
        ["attention with heads wider than a tile"] = b =>
            b.Add("y", new Attention(72, 2), b.Add("qkv", new Linear(4, 216, HasBias: true), Embed(b, 4))),
        ["attention with a class token, and what it sees"] = b =>
            Attend(b, b.Add("token", new InsertToken(0, 12), Embed(b, 12))),
        ["a product"] = b => Halves(b, Embed(b, 6), (left, right) => b.Add("y", new Multiply(), left, right)),
        ["a square"] = b => Twice(b, Embed(b, 4), x => b.Add("y", new Multiply(), x, x)),
        ["a gate"] = b =>
            Halves(b, Embed(b, 6), (left, right) => b.Add("y", new Multiply(), left, b.Add("silu", new Silu(), right))),
        ["a gate on the left"] = b =>
            Halves(b, Embed(b, 6), (left, right) => b.Add("y", new Multiply(), b.Add("silu", new Silu(), left), right)),
        ["a gate of what is gated"] = b =>
            Twice(b, Embed(b, 4), x => b.Add("y", new Multiply(), x, b.Add("silu", new Silu(), x))),
        ["a scaled term of a sum"] = b => Halves(
            b, Embed(b, 6), (left, right) =>
                b.Add("y", new Add(), Linear(b, "a", b.Add("half", new Scale(0.5f), Linear(b, "c", left))), right)),
        ["a sum with a scaled value"] = b => Halves(b, Embed(b, 6), (left, right) =>
            b.Add("y", new Add(), b.Add("half", new Scale(0.5f), Linear(b, "l", left)), Linear(b, "r", right))),
        ["a scaled value with other users"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Scale(-2f), x)),
        ["a sum of slices"] = b => Halves(b, Embed(b, 6), (left, right) => b.Add("y", new Add(), left, right)),
        ["an embedding of a value with other users"] = b =>
            Around(b, Embed(b, 4), x => b.Add("y", new AddEmbedding(Side * Side, 4), x)),
        ["a token between the others"] = b => Embedded(b, b.Add("token", new InsertToken(7, 4), Embed(b, 4))),
        ["the last of reversed tokens"] = b =>
            b.Add(
                "select",
                new SelectToken(Side * Side - 2),
                b.Add("reverse", new ReverseTokens(), Linear(b, "l", Embed(b, 4)))),
        ["a token and the mean"] = b => Selected(b, Embed(b, 4)),
        ["a sum of opposite orders"] = b =>
            Twice(b, Embed(b, 4), x => b.Add("y", new Add(), x, b.Add("reverse", new ReverseTokens(), x))),
        ["a selective scan"] = b => Scan(b, Embed(b, 4), isReversed: false),
        ["a scan whose operands have other users"] = b =>
            Calm(b, ScanOf(b, Linear(b, "u", Calm(b, Embed(b, 4))), (u, read) => Linear(b, read, u), hasUsers: true)),
        ["a scan of one value"] = b => ScanOf(b, Linear(b, "u", Embed(b, 4)), (u, _) => u, hasUsers: false),
        ["a scan without a softplus"] = b => With(Embed(b, 4), x => b.Add(
            "scan", new SelectiveScan(4, 4), [
                x, b.Add("delta", new Sigmoid(), Linear(b, "d", x)), Linear(b, "B", x), x], ["A_log", "D"])),
        ["two scans that share A"] = b => With(Embed(b, 4), x =>
            b.Add("sum", new Add(), SharedScan(b, "left", x), SharedScan(b, "right", Linear(b, "between", x)))),
        ["convolutions that share their weights"] = b => Mixed(b, b.Add(
            "second", new CausalConv1d(4, 3), [
                b.Add("first", new CausalConv1d(4, 3), [Embed(b, 4)], ["taps", "bias"])], ["taps", "bias"])),
        ["a kernel that grids and maps share"] = b => Calm(b, b.Add(
            "second", new GridConv2d(4, 4, Side, Side, 3, 1, 1),
            [
                Calm(
                    b,
                    Tokens(
                        b,
                        b.Add(
                            "first",
                            new Conv2d(4, 4, 3, 1, 1, HasBias: true),
                            [Convolve(b, "zeroth", b.Input, 3, 4)],
                            ["kernel", "bias"]))),
            ],
            ["kernel", "bias"])),
        ["layers that share their weights"] = b =>
            b.Add("y", new Linear(4, 4, HasBias: true), [Linear(b, "x", Embed(b, 4))], ["x.weight", "x.bias"]),
        ["the first channels only"] = b => b.Add("slice", new SliceChannels(0, 2), Linear(b, "l", Embed(b, 6))),
        ["slices that overlap in part"] = b => Slices(b, Linear(b, "l", Embed(b, 8)), (0, 4), (2, 4)),
        ["a gate of slices that overlap in part"] = b => Gated(b, Linear(b, "l", Embed(b, 8)), (0, 4), (2, 4)),
        ["slices that leave out channels between them"] = b => Slices(b, Linear(b, "l", Embed(b, 8)), (6, 2), (1, 2)),
        ["a value and a slice of it"] = b => With(Linear(b, "l", Embed(b, 6)), x =>
            b.Add(
                "both",
                new Add(),
                b.Add("all", new Linear(6, 2, HasBias: false), x),
                b.Add("part", new SliceChannels(3, 2), x))),
        ["a slice of a slice"] = b => b.Add(
            "inner", new SliceChannels(1, 2), b.Add("outer", new SliceChannels(2, 3), Linear(b, "l", Embed(b, 6)))),
        ["a slice of reversed tokens that others read"] = b =>
            Around(b, Embed(b, 4), x => b.Add("pad", new Linear(2, 4, HasBias: false), b.Add(
            "back", new ReverseTokens(), b.Add(
                "l",
                new Linear(2, 2, HasBias: true),
                b.Add("half", new SliceChannels(2, 2), b.Add("reverse", new ReverseTokens(), x)))))),
        ["tokens reversed twice"] = b =>
            Around(b, Embed(b, 4), x => b.Add("again", new ReverseTokens(), b.Add("reverse", new ReverseTokens(), x))),
        ["an output in reverse"] = b => b.Add("reverse", new ReverseTokens(), Linear(b, "l", Embed(b, 4))),
        ["reversed tokens in a place of their own"] = b => b.Add(
            "embedded",
            new AddEmbedding(Side * Side, 4),
            b.Add("reverse", new ReverseTokens(), Linear(b, "l", Embed(b, 4)))),
        ["reversed tokens over a grid"] = b => Around(
            b, Embed(b, 4), x => b.Add(
                "depthwise",
                new DepthwiseConv2d(4, Side, Side, 3, HasBias: true),
                b.Add("reverse", new ReverseTokens(), x))),
        ["a sum of a value with itself"] = b => Twice(b, Embed(b, 4), x => b.Add("y", new Add(), x, x)),
        ["a sum that is scaled"] = b => With(Embed(b, 4), x =>
            Linear(
                b, "y", b.Add("half", new Scale(0.5f), b.Add("sum", new Add(), Linear(b, "l", x), Linear(b, "r", x))))),
        ["a scaled value of reversed tokens"] = b => Linear(
            b, "y", b.Add("half", new Scale(0.5f), b.Add("reverse", new ReverseTokens(), Linear(b, "l", Embed(b, 4))))),
        ["nodes that nobody reads"] = b => With(Embed(b, 4), x => With(Linear(b, "y", x), y =>
        {
            b.Add("dead", new Multiply(), y, Linear(b, "other", x));
            return y;
        })),
        ["pixels as tokens"] = b => Linear(b, "l", b.Add("flat", new FlattenSpatial(), b.Input)),
        ["what becomes of pixels before"] = b => Linear(
            b,
            "l",
            b.Add("flat", new FlattenSpatial(), b.Add("relu", new Relu(), b.Add("half", new Scale(0.5f), b.Input)))),
        ["rows of pixels"] = b => Tokens(b, b.Add("l", new Linear(Side, 4, HasBias: true), b.Input)),
        ["a norm of pixels"] = b => Tokens(b, b.Add("norm", new LayerNorm(Side, 1e-5f), b.Input)),
        ["a part of a map"] = b => With(Convolve(b, "first", b.Input, 3, 4), map => b.Add(
            "both",
            new Add(),
            b.Add("pad", new Linear(4, 4, HasBias: false), Tokens(b, b.Add("left", new SliceChannels(0, 3), map))),
            Tokens(b, Convolve(b, "second", b.Add("right", new SliceChannels(1, 3), map), 4, 4)))),
        ["a convolution over a grid of a slice"] = b => Halves(b, Linear(b, "l", Embed(b, 8)), (left, right) =>
            b.Add("y", new Multiply(), b.Add("grid", new GridConv2d(4, 4, Side, Side, 3, 1, 1), left), right)),
        ["a selective scan from the end"] = b => Scan(b, Embed(b, 4), isReversed: true),
    };

    public static TheoryData<string> Names => [.. Graphs.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_equal_finite_differences(string name)
    {
        var builder = new GraphBuilder([3, Side, Side]);
        Node features = Graphs[name](builder);
        if (features.Shape.Rank == 2)
            features = builder.Add("mean", new MeanTokens(), features);
        Graph graph = builder.Build(
            builder.Add("head", new Linear(features.Shape[0], Classes, HasBias: true), features));
        Dictionary<string, FloatTensor> weights = graph.Parameters.ToDictionary(
            parameter => parameter.Name, parameter => Random(parameter.Shape, parameter.Name.Length + 1));
        foreach (string variance in weights.Keys.Where(key => key.EndsWith(".running_var", StringComparison.Ordinal)))
            Positive(weights[variance].Span);
        FloatTensor images = Random([Batch, 3, Side, Side], 1), targets = new([Batch, Classes]);
        for (int i = 0; i < Batch; i++)
            targets.Span[(i * Classes) + (i % Classes)] = 1;

        using var executor = new GradientExecutor(graph, weights);
        Assert.Equal(
            weights.Keys.Where(key => !key.Contains(".running_", StringComparison.Ordinal)).Order(),
            executor.Gradients.Keys.Order());
        BatchLoss result = executor.Run(images, targets);

        var model = new DoubleReference(graph, weights);
        Assert.Equal(model.Loss(images, targets), result.Loss, 1e-5);
        foreach (string parameter in executor.Gradients.Keys)
        {
            double[] weight = model.Weights[parameter];
            int[] indices =
            [
                .. Enumerable.Range(0, Math.Min(weight.Length, MostElements)).Select(
                    i => (int)((long)i * weight.Length / Math.Min(weight.Length, MostElements))),
            ];
            double[] expected = [.. indices.Select(i => Difference(() => model.Loss(images, targets), weight, i))];
            GradientAssert.Close(
                expected,
                [.. indices.Select(i => executor.Gradients[parameter].Span[i])],
                $"{name}: {parameter}",
                tolerance: 2e-3);
        }
    }

    [Fact]
    public void A_convolution_of_a_large_map_in_strips_equals_a_linear_layer()
    {
        const int side = 256, channels = 264; // more patches than scratch memory has for all of them
        Dictionary<string, FloatTensor> convolved = GradientsOf((b, x) =>
            b.Add("layer", new GridConv2d(channels, 2, side, side, 1, 1, 0), x)),
            multiplied = GradientsOf((b, x) => b.Add("layer", new Linear(channels, 2, HasBias: true), x));
        foreach ((string name, FloatTensor gradient) in multiplied)
        {
            double[] expected = Array.ConvertAll(gradient.Span.ToArray(), value => (double)value);
            GradientAssert.Close(expected, convolved[name].Span, name, tolerance: 1e-4);
        }

        Dictionary<string, FloatTensor> GradientsOf(Func<GraphBuilder, Node, Node> layer)
        {
            var builder = new GraphBuilder([1, side, side]);
            Node x = Tokens(
                builder, builder.Add("embed", new Conv2d(1, channels, 1, 1, 0, HasBias: true), builder.Input));
            Node y = builder.Add("mean", new MeanTokens(), builder.Add("silu", new Silu(), layer(builder, x)));
            Graph graph = builder.Build(y);
            Dictionary<string, FloatTensor> weights = graph.Parameters.ToDictionary(
                parameter => parameter.Name,
                parameter => FloatTensor.From(
                    parameter.Shape, Sample.Floats(parameter.Name.Length, (int)parameter.Shape.ElementCount)));
            using var executor = new GradientExecutor(graph, weights, threads: 1);
            executor.Run(Random([1, 1, side, side], 1), FloatTensor.From([1, 2], [1, 0]));
            return executor.Gradients.ToDictionary(pair => pair.Key, pair => pair.Value.Clone());
        }
    }

    [Fact]
    public void What_has_no_gradient_is_refused_by_name()
    {
        var builder = new GraphBuilder([3, Side, Side]);
        Node rounded = builder.Add(
            "rounded",
            new RoundInput(UniformQuantizer.Asymmetric(8, Granularity.PerTensor, [1f], [0])),
            Embed(builder, Classes));
        Graph graph = builder.Build(builder.Add("mean", new MeanTokens(), rounded));
        Dictionary<string, FloatTensor> weights = graph.Parameters.ToDictionary(
            parameter => parameter.Name, parameter => new FloatTensor(parameter.Shape));
        Assert.Equal(
            "Training does not support the operator round at 'rounded'.", Assert.Throws<BitisException>(
                () => new GradientExecutor(graph, weights)).Message);
    }

    [Fact]
    public void A_low_bit_convolution_may_read_a_slice()
    {
        const int channels = 16;
        var builder = new GraphBuilder([3, Side, Side]);
        Node slice = builder.Add("slice", new SliceChannels(4, channels), Embed(builder, 24));
        Node first = builder.Add("first", new GridConv2d(channels, channels, Side, Side, 3, 1, 1), slice),
            second = builder.Add("second", new GridConv2d(channels, channels, Side, Side, 3, 1, 1), slice);
        Node mean = builder.Add(
            "mean", new MeanTokens(), builder.Add("sum", new Add(), builder.Add("silu", new Silu(), first), second));
        Graph graph = builder.Build(builder.Add("head", new Linear(channels, Classes, HasBias: true), mean));
        Dictionary<string, FloatTensor> weights = graph.Parameters.ToDictionary(
            parameter => parameter.Name, parameter => Random(parameter.Shape, parameter.Name.Length + 1));
        FloatTensor images = Random([Batch, 3, Side, Side], 1), targets = new([Batch, Classes]);
        for (int i = 0; i < Batch; i++)
            targets.Span[(i * Classes) + (i % Classes)] = 1;
        using var exact = new GradientExecutor(graph, weights);
        using var lowBit = new GradientExecutor(graph, weights, backward: new BackwardPolicy { Method = "int8" });
        Assert.Equal(
            ["int8", "int8"],
            lowBit.Layers.Where(layer => layer.Layer is "first" or "second").Select(layer => layer.Method));
        Assert.Equal(exact.Run(images, targets).Loss, lowBit.Run(images, targets).Loss);
        foreach ((string name, FloatTensor gradient) in exact.Gradients)
        {
            float cosine = System.Numerics.Tensors.TensorPrimitives.CosineSimilarity<float>(
                gradient.Span, lowBit.Gradients[name].Span);
            Assert.True(cosine > 0.99f, $"{name}: {cosine}");
        }
    }

    [Fact]
    public void Memory_outside_of_a_block_is_refused_when_the_plan_is_made()
    {
        var builder = new GraphBuilder([3, Side, Side]);
        Node flat = builder.Add("flat", new FlattenSpatial(), builder.Input);
        FusedGraph fused = FusionPass.Run(builder.Build(flat), FusionRules.Training);
        var planner = new GradientPlanner(fused, new Dictionary<string, FloatTensor>(), images: 2, new HashSet<Node>());
        ArenaMatrix matrix = planner.NewMatrix(3, 4);
        planner.Keep(matrix);
        planner.Keep(matrix.Slice(1, 3));
        Assert.Throws<InvalidOperationException>(() => planner.Keep(matrix.Slice(1, 4)));
        // of two images, 24 elements
        Assert.Throws<InvalidOperationException>(() => planner.Keep(matrix with { Rows = 4 }));
    }

    private static double Difference(Func<double> loss, double[] weight, int index)
    {
        double value = weight[index];
        weight[index] = value + Step;
        double above = loss();
        weight[index] = value - Step;
        double below = loss();
        weight[index] = value;
        return (above - below) / (2 * Step);
    }

    private static void Positive(Span<float> values)
    {
        foreach (ref float value in values)
            value = 0.5f + Math.Abs(value);
    }

    private static FloatTensor Random(Shape shape, int seed) =>
        FloatTensor.From(shape, Sample.Floats(seed, (int)shape.ElementCount));

    private static Node Convolve(GraphBuilder b, string name, Node x, int inputs, int outputs) =>
        b.Add(name, new Conv2d(inputs, outputs, 3, 1, 1, HasBias: true), x);

    private static Node Tokens(GraphBuilder b, Node map) => b.Add($"{map.Name}.flat", new FlattenSpatial(), map);

    private static Node Linear(GraphBuilder b, string name, Node x) =>
        b.Add(name, new Linear(x.Shape[^1], x.Shape[^1], HasBias: true), x);

    /// <summary>A grid of tokens, one a pixel.</summary>
    private static Node Embed(GraphBuilder b, int channels) => Tokens(b, Convolve(b, "embed", b.Input, 3, channels));

    private static Node Shared(GraphBuilder b, Node map) =>
        Tokens(b, b.Add("sum", new Add(), Convolve(b, "left", map, 4, 3), Convolve(b, "right", map, 4, 3)));

    /// <summary>Windows of 2×2 tokens, which reach over the edge of the grid.</summary>
    private static ArrangeTokens Windows() => new([.. Enumerable.Range(0, 36).Select(i =>
    {
        int row = i / 12 * 2 + i % 4 / 2, column = i / 4 % 3 * 2 + i % 2;
        return row < Side && column < Side ? row * Side + column : ArrangeTokens.Zeros;
    })]);

    /// <summary>All tokens from the end but one, which has zeros.</summary>
    private static ArrangeTokens Without(int token) =>
        new([.. Enumerable.Range(0, Side * Side).Reverse().Select(i => i == token ? ArrangeTokens.Zeros : i)]);

    private static Node Gates(GraphBuilder b, Node left, Node right) =>
        b.Add("gates", new Sigmoid(), Linear(b, "select", b.Add("means", new MeanOfNorms(4, 1e-5f), left, right)));

    private static Node Slices(GraphBuilder b, Node x, (int Start, int Length) left, (int Start, int Length) right) =>
        b.Add(
        "y", new Multiply(), b.Add("left part", new SliceChannels(left.Start, left.Length), x), b.Add(
            "right part", new SliceChannels(right.Start, right.Length), x));

    private static Node Gated(GraphBuilder b, Node x, (int Start, int Length) left, (int Start, int Length) right) =>
        b.Add(
        "y", new Multiply(), b.Add("left part", new SliceChannels(left.Start, left.Length), x),
        b.Add("silu", new Silu(), b.Add("right part", new SliceChannels(right.Start, right.Length), x)));

    /// <summary>Values of a size at which logits do not explode.</summary>
    private static Node Calm(GraphBuilder b, Node x) => b.Add($"{x.Name}.norm", new LayerNorm(x.Shape[^1], 1e-5f), x);

    private static Node With(Node x, Func<Node, Node> f) => f(x);

    /// <summary>A scan with A and D of one name.</summary>
    private static Node SharedScan(GraphBuilder b, string name, Node x) =>
        b.Add(
            name,
            new SelectiveScan(4, 4),
            [x, b.Add($"{name}.delta", new Softplus(), Linear(b, $"{name}.d", x)), x, Linear(b, $"{name}.C", x)],
            ["A_log", "D"]);

    private static Node ScanOf(GraphBuilder b, Node u, Func<Node, string, Node> read, bool hasUsers)
    {
        Node delta = read(u, "d"), input = read(u, "B"), output = read(u, "C");
        Node y = b.Add(
            "scan", new SelectiveScan(4, 4), [u, b.Add("delta", new Softplus(), delta), input, output], ["A_log", "D"]);
        return hasUsers
            ? b.Add(
                "sum",
                new Add(),
                b.Add("product", new Multiply(), y, delta),
                b.Add("other product", new Multiply(), input, output))
            : y;
    }

    /// <summary>A product of the rows with themselves, so that none of them has the gradient of another.</summary>
    private static Node Mixed(GraphBuilder b, Node x) =>
        b.Add("square", new Multiply(), Linear(b, "before", x), Linear(b, "after", x));

    /// <summary>x + f(x), so that f's input has another user.</summary>
    private static Node Around(GraphBuilder b, Node x, Func<Node, Node> f) => b.Add("around", new Add(), f(x), x);

    private static Node Twice(GraphBuilder b, Node x, Func<Node, Node> f) =>
        Linear(b, "after", f(Linear(b, "before", x)));

    private static Node Halves(GraphBuilder b, Node x, Func<Node, Node, Node> f)
    {
        int half = x.Shape[1] / 2;
        return f(
            b.Add("left half", new SliceChannels(0, half), x), b.Add("right half", new SliceChannels(half, half), x));
    }

    private static Node Attend(GraphBuilder b, Node x) =>
        b.Add(
            "both",
            new Add(),
            b.Add("y", new Attention(4, 1), x),
            b.Add("other", new Linear(12, 4, HasBias: false), x));

    private static Node Embedded(GraphBuilder b, Node x) =>
        b.Add("embedded", new AddEmbedding(x.Shape[0], x.Shape[1]), x);

    private static Node Selected(GraphBuilder b, Node x) =>
        b.Add("both", new Add(), b.Add("select", new SelectToken(3), x), b.Add("average", new MeanTokens(), x));

    private static Node Scan(GraphBuilder b, Node x, bool isReversed)
    {
        const int states = 2;
        if (isReversed)
            x = b.Add("reverse", new ReverseTokens(), x);
        Node delta = b.Add("softplus", new Softplus(), b.Add("delta", new Linear(4, 4, HasBias: true), x));
        Node projected = b.Add("project", new Linear(4, 2 * states, HasBias: false), x);
        Node input = b.Add("b", new SliceChannels(0, states), projected),
            output = b.Add("c", new SliceChannels(states, states), projected);
        Node y = b.Add("scan", new SelectiveScan(4, states), [x, delta, input, output], ["A_log", "D"]);
        return isReversed ? b.Add("back", new ReverseTokens(), y) : y;
    }
}
