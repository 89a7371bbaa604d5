using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Tensors;
using Bitis.Tests.Kernels;
using Bitis.Training;

namespace Bitis.Tests.Training;

/// <summary>
/// Every operator, in small graphs and in the company of others, against central differences of the reference forward.
/// </summary>
public sealed class OperatorGradientTests
{
    private const int Side = 5, Classes = 3, Batch = 9; // more images than parts, and not a multiple of anything
    private const float Step = 4e-3f;

    private static readonly Dictionary<string, Func<GraphBuilder, Node>> Graphs = new()
    {
        ["a convolution between maps"] = b => Tokens(b, Convolve(b, "second", Convolve(b, "first", b.Input, 3, 4), 4, 5)),
        ["a convolution with stride and padding, without bias"] = b =>
            Tokens(b, b.Add("second", new Conv2d(4, 3, 3, 2, 2, HasBias: false), Convolve(b, "first", b.Input, 3, 4))),
        ["a map that two convolutions see"] = b => Shared(b, Convolve(b, "first", b.Input, 3, 4)),
        ["a depthwise convolution"] = b => b.Add("depthwise", new DepthwiseConv2d(4, Side, Side, 3, HasBias: true), Embed(b, 4)),
        ["a depthwise convolution of five places, without bias, and what it sees"] = b => Around(
            b, Embed(b, 4), x => b.Add("depthwise", new DepthwiseConv2d(4, Side, Side, 5, HasBias: false), x)),
        ["a depthwise convolution and its silu"] = b => Around(b, Embed(b, 4), x =>
            b.Add("silu", new Silu(), b.Add("depthwise", new DepthwiseConv2d(4, Side, Side, 3, HasBias: false), x))),
        ["a convolution over a grid"] = b => b.Add("grid", new GridConv2d(4, 3, Side, Side, 3, 2, 1), Embed(b, 4)),
        ["a convolution over a grid that others see"] = b => Around(b, Embed(b, 4), x => b.Add("grid", new GridConv2d(4, 4, Side, Side, 3, 1, 1), x)),
        ["tokens in the other order"] = b => b.Add(
            "depthwise", new DepthwiseConv2d(4, Side, Side, 3, HasBias: true), b.Add("transpose", ArrangeTokens.ByColumn(Side, Side), Embed(b, 4))),
        ["tokens in both orders"] = b => Around(b, Embed(b, 4), x => b.Add("transpose", ArrangeTokens.ByColumn(Side, Side), x)),
        ["tokens of windows over the edge"] = b => b.Add("causal", new CausalConv1d(4, 3), b.Add("windows", Windows(), Embed(b, 4))),
        ["tokens of windows over the edge, and others that see them"] = b => Around(
            b, Embed(b, 4), x => b.Add("back", Windows().Inverse(Side * Side), b.Add("windows", Windows(), x))),
        ["some tokens"] = b => b.Add("some", new ArrangeTokens([7, -1, 3]), Embed(b, 4)),
        ["some tokens of a value with other users"] = b => Around(b, Embed(b, 4), x => b.Add("most", Without(3), x)),
        ["sigmoid"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Sigmoid(), x)),
        ["rotary positions"] = b => b.Add("norm", new LayerNorm(4, 1e-5f), b.Add("rope", new RotaryPositions(Side, 4, 3), Embed(b, 4))),
        ["rotary positions of a value with other users"] = b => Around(b, Embed(b, 8), x => b.Add("rope", new RotaryPositions(Side, 8, 14), x)),
        ["means of norms"] = b => Halves(b, Embed(b, 8), (left, right) => Mixed(b, b.Add("means", new MeanOfNorms(4, 1e-5f), left, right))),
        ["a gated sum"] = b => Halves(b, Embed(b, 8), (left, right) => b.Add("sum", new GatedSum(), Gates(b, left, right), left, right)),
        ["a gated sum of what others see"] = b => Around(b, Embed(b, 4), x => b.Add("sum", new GatedSum(), Gates(b, x, x), x, x)),
        ["merged patches"] = b => b.Add("norm", new LayerNorm(16, 1e-5f), b.Add("merge", new MergePatches(Side, Side), Embed(b, 4))),
        ["a causal convolution"] = b => b.Add("causal", new CausalConv1d(4, 3), Embed(b, 4)),
        ["silu"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Silu(), x)),
        ["gelu"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Gelu(), x)),
        ["relu"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Relu(), x)),
        ["relu of a slice"] = b => Halves(b, Embed(b, 6), (left, right) => b.Add("both", new Add(), b.Add("y", new Relu(), left), right)),
        ["group norm"] = b => Around(b, Embed(b, 6), x => b.Add("y", new GroupNorm(6, 2, 1e-5f), x)),
        ["group norm of a slice"] = b => Halves(b, Embed(b, 6), (left, right) => b.Add("both", new Add(), b.Add("y", new GroupNorm(3, 1, 1e-5f), left), right)),
        ["softplus"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Softplus(), x)),
        ["rms norm"] = b => Around(b, Embed(b, 4), x => b.Add("y", new RmsNorm(4, 1e-5f), x)),
        ["layer norm"] = b => Around(b, Embed(b, 4), x => b.Add("y", new LayerNorm(4, 1e-5f), x)),
        ["attention"] = b => b.Add("y", new Attention(4, 2), b.Add("qkv", new Linear(4, 12, HasBias: true), Embed(b, 4))),
        ["attention with heads wider than a tile"] = b => b.Add("y", new Attention(72, 2), b.Add("qkv", new Linear(4, 216, HasBias: true), Embed(b, 4))),
        ["attention with a class token, and what it sees"] = b => Attend(b, b.Add("token", new InsertToken(0, 12), Embed(b, 12))),
        ["a product"] = b => Halves(b, Embed(b, 6), (left, right) => b.Add("y", new Multiply(), left, right)),
        ["a square"] = b => Twice(b, Embed(b, 4), x => b.Add("y", new Multiply(), x, x)),
        ["a gate"] = b => Halves(b, Embed(b, 6), (left, right) => b.Add("y", new Multiply(), left, b.Add("silu", new Silu(), right))),
        ["a gate on the left"] = b => Halves(b, Embed(b, 6), (left, right) => b.Add("y", new Multiply(), b.Add("silu", new Silu(), left), right)),
        ["a gate of what is gated"] = b => Twice(b, Embed(b, 4), x => b.Add("y", new Multiply(), x, b.Add("silu", new Silu(), x))),
        ["a scaled term of a sum"] = b => Halves(
            b, Embed(b, 6), (left, right) => b.Add("y", new Add(), Linear(b, "a", b.Add("half", new Scale(0.5f), Linear(b, "c", left))), right)),
        ["a sum with a scaled value"] = b => Halves(b, Embed(b, 6), (left, right) =>
            b.Add("y", new Add(), b.Add("half", new Scale(0.5f), Linear(b, "l", left)), Linear(b, "r", right))),
        ["a scaled value with other users"] = b => Around(b, Embed(b, 4), x => b.Add("y", new Scale(-2f), x)),
        ["a sum of slices"] = b => Halves(b, Embed(b, 6), (left, right) => b.Add("y", new Add(), left, right)),
        ["an embedding of a value with other users"] = b => Around(b, Embed(b, 4), x => b.Add("y", new AddEmbedding(Side * Side, 4), x)),
        ["a token between the others"] = b => Embedded(b, b.Add("token", new InsertToken(7, 4), Embed(b, 4))),
        ["the last of reversed tokens"] = b =>
            b.Add("select", new SelectToken(Side * Side - 2), b.Add("reverse", new ReverseTokens(), Linear(b, "l", Embed(b, 4)))),
        ["a token and the mean"] = b => Selected(b, Embed(b, 4)),
        ["a sum of opposite orders"] = b => Twice(b, Embed(b, 4), x => b.Add("y", new Add(), x, b.Add("reverse", new ReverseTokens(), x))),
        ["a selective scan"] = b => Scan(b, Embed(b, 4), isReversed: false),
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
        Graph graph = builder.Build(builder.Add("head", new Linear(features.Shape[0], Classes, HasBias: true), features));
        Dictionary<string, Tensor> weights = graph.Parameters.ToDictionary(parameter => parameter.Name, parameter => Random(parameter.Shape, parameter.Name.Length + 1));
        Tensor images = Random([Batch, 3, Side, Side], 1), targets = new([Batch, Classes]);
        for (int i = 0; i < Batch; i++)
            targets.Span[(i * Classes) + (i % Classes)] = 1;

        using var executor = new GradientExecutor(graph, weights);
        BatchLoss result = executor.Run(images, targets);

        Assert.Equal(Loss(graph, weights, images), result.Loss, 1e-5);
        foreach ((string parameter, Tensor weight) in weights)
        {
            double[] expected = [.. Enumerable.Range(0, weight.Length).Select(i => Difference(() => Loss(graph, weights, images), weight, i))];
            NumericalGradient.AssertClose(expected, executor.Gradients[parameter].Span, $"{name}: {parameter}", tolerance: 2e-3);
        }
    }

    private static double Difference(Func<double> loss, Tensor weight, int index)
    {
        float value = weight.Span[index];
        weight.Span[index] = value + Step;
        double above = loss();
        weight.Span[index] = value - Step;
        double below = loss();
        weight.Span[index] = value;
        return (above - below) / ((double)(value + Step) - (value - Step));
    }

    /// <summary>The mean cross-entropy, from the operators' reference forward.</summary>
    private static double Loss(Graph graph, IReadOnlyDictionary<string, Tensor> weights, Tensor images)
    {
        Tensor logits = new GraphExecutor(graph, weights, ReferenceEvaluator.Instance).Run(images);
        double sum = 0;
        for (int i = 0; i < Batch; i++)
        {
            double[] row = [.. logits.Span.Slice(i * Classes, Classes).ToArray().Select(logit => (double)logit)];
            sum += Math.Log(row.Sum(Math.Exp)) - row[i % Classes];
        }
        return sum / Batch;
    }

    private static Tensor Random(Shape shape, int seed) => Tensor.From(shape, Sample.Floats(seed, (int)shape.ElementCount));

    private static Node Convolve(GraphBuilder b, string name, Node x, int inputs, int outputs) =>
        b.Add(name, new Conv2d(inputs, outputs, 3, 1, 1, HasBias: true), x);

    private static Node Tokens(GraphBuilder b, Node map) => b.Add($"{map.Name}.flat", new FlattenSpatial(), map);

    private static Node Linear(GraphBuilder b, string name, Node x) => b.Add(name, new Linear(x.Shape[^1], x.Shape[^1], HasBias: true), x);

    /// <summary>A grid of tokens, one a pixel.</summary>
    private static Node Embed(GraphBuilder b, int channels) => Tokens(b, Convolve(b, "embed", b.Input, 3, channels));

    private static Node Shared(GraphBuilder b, Node map) => Tokens(b, b.Add("sum", new Add(), Convolve(b, "left", map, 4, 3), Convolve(b, "right", map, 4, 3)));

    /// <summary>Windows of 2×2 tokens, which reach over the edge of the grid.</summary>
    private static ArrangeTokens Windows() => new([.. Enumerable.Range(0, 36).Select(i =>
    {
        int row = i / 12 * 2 + i % 4 / 2, column = i / 4 % 3 * 2 + i % 2;
        return row < Side && column < Side ? row * Side + column : ArrangeTokens.Zeros;
    })]);

    /// <summary>All tokens from the end but one, which has zeros.</summary>
    private static ArrangeTokens Without(int token) =>
        new([.. Enumerable.Range(0, Side * Side).Reverse().Select(source => source == token ? ArrangeTokens.Zeros : source)]);

    private static Node Gates(GraphBuilder b, Node left, Node right) =>
        b.Add("gates", new Sigmoid(), Linear(b, "select", b.Add("means", new MeanOfNorms(4, 1e-5f), left, right)));

    /// <summary>A product of the rows with themselves, so that none of them has the gradient of another.</summary>
    private static Node Mixed(GraphBuilder b, Node x) => b.Add("square", new Multiply(), Linear(b, "before", x), Linear(b, "after", x));

    /// <summary>x + f(x), so that f's input has another user.</summary>
    private static Node Around(GraphBuilder b, Node x, Func<Node, Node> f) => b.Add("around", new Add(), f(x), x);

    private static Node Twice(GraphBuilder b, Node x, Func<Node, Node> f) => Linear(b, "after", f(Linear(b, "before", x)));

    private static Node Halves(GraphBuilder b, Node x, Func<Node, Node, Node> f)
    {
        int half = x.Shape[1] / 2;
        return f(b.Add("left half", new SliceChannels(0, half), x), b.Add("right half", new SliceChannels(half, half), x));
    }

    private static Node Attend(GraphBuilder b, Node x) =>
        b.Add("both", new Add(), b.Add("y", new Attention(4, 1), x), b.Add("other", new Linear(12, 4, HasBias: false), x));

    private static Node Embedded(GraphBuilder b, Node x) => b.Add("embedded", new AddEmbedding(x.Shape[0], x.Shape[1]), x);

    private static Node Selected(GraphBuilder b, Node x) =>
        b.Add("both", new Add(), b.Add("select", new SelectToken(3), x), b.Add("average", new MeanTokens(), x));

    private static Node Scan(GraphBuilder b, Node x, bool isReversed)
    {
        const int states = 2;
        if (isReversed)
            x = b.Add("reverse", new ReverseTokens(), x);
        Node delta = b.Add("softplus", new Softplus(), b.Add("delta", new Linear(4, 4, HasBias: true), x));
        Node projected = b.Add("project", new Linear(4, 2 * states, HasBias: false), x);
        Node input = b.Add("b", new SliceChannels(0, states), projected), output = b.Add("c", new SliceChannels(states, states), projected);
        Node y = b.Add("scan", new SelectiveScan(4, states), [x, delta, input, output], ["A_log", "D"]);
        return isReversed ? b.Add("back", new ReverseTokens(), y) : y;
    }
}
