using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime.Kernels;

namespace Bitis.Training.Gradients;

/// <summary>
/// Turns a graph into steps. Three pairs of neighbours become one step each, so that the value between them is never
/// stored: convolution and SiLU, softplus and scan, SiLU and product.
/// </summary>
internal static class GradientCompiler
{
    /// <summary>The steps of a graph in the order of the forward pass, each with the node that it was made for.</summary>
    /// <param name="graph">The model, or a part of one.</param>
    /// <param name="policy">How the reverse pass of linear and convolutional layers is computed.</param>
    /// <param name="substitute">Makes the steps of some nodes in place of the usual ones; null for those it does not.</param>
    /// <param name="frozen">Which layers do not learn; null if all of them do.</param>
    /// <exception cref="NotSupportedException">An operator has no reverse pass here.</exception>
    public static List<(Node Node, GradientStep Step)> Compile(
        Graph graph, BackwardPolicy policy, Func<Node, GradientStep?>? substitute = null, FrozenLayers? frozen = null)
    {
        ILookup<Node, Node> users = graph.Nodes
            .SelectMany(node => node.Inputs, (user, used) => (user, used))
            .ToLookup(pair => pair.used, pair => pair.user);
        var steps = new List<(Node Node, GradientStep Step)>();
        foreach (Node node in graph.Nodes)
        {
            Node? next = OnlyUser(node, users);
            GradientStep? step = substitute?.Invoke(node) ?? node.Operator switch
            {
                Input or SliceChannels or ReverseTokens => null, // views
                Conv2d when IsPatchEmbedding(node, users) => new PatchEmbeddingGradient(node, next!),
                Conv2d => new ConvolutionGradient(node),
                DepthwiseConv2d => new DepthwiseConvolutionGradient(node, next?.Operator is Silu ? next : node),
                GridConv2d when policy.MethodOf(node, frozen) is { IsExact: false } method => new LowBitGridConvolutionGradient(node, method, policy),
                GridConv2d => new GridConvolutionGradient(node),
                ArrangeTokens or MergePatches => new TokenOrderGradient(node),
                FlattenSpatial when IsPatchEmbedding(node.Inputs[0], users) => null,
                FlattenSpatial => new FlattenSpatialGradient(node),
                CausalConv1d => new CausalConvolutionGradient(node, next?.Operator is Silu ? next : node),
                Silu when node.Inputs[0].Operator is CausalConv1d or DepthwiseConv2d && users[node.Inputs[0]].Count() == 1 => null, // part of it
                Silu when next is not null && SiluOfGate(next, users) == node => null, // part of the gate
                Silu => new UnaryGradient(node, Elementwise.Silu),
                Softplus when next?.Operator is Operators.SelectiveScan && next.Inputs[1] == node => null, // part of the scan
                Softplus => new UnaryGradient(node, Elementwise.Softplus),
                Gelu => new UnaryGradient(node, Elementwise.Gelu),
                Sigmoid => new UnaryGradient(node, Elementwise.Sigmoid),
                Relu => new ReluGradient(node),
                MeanOfNorms => new MeanOfNormsGradient(node),
                GatedSum => new GatedSumGradient(node),
                RotaryPositions => new RotaryGradient(node),
                Linear when policy.MethodOf(node, frozen) is { IsExact: false } method => new LowBitLinearGradient(node, method, policy),
                Linear => new LinearGradient(node),
                Attention => new AttentionGradient(node),
                RmsNorm or LayerNorm => new NormGradient(node),
                GroupNorm => new GroupNormGradient(node),
                Operators.SelectiveScan => new ScanGradient(node, DeltaOf(node, users)),
                Add => new AddGradient(node),
                Scale => new ScaleGradient(node),
                Multiply => SiluOfGate(node, users) is { } silu
                    ? new GateGradient(node, node.Inputs.Single(input => input != silu), silu.Inputs[0])
                    : new ProductGradient(node),
                InsertToken => new InsertTokenGradient(node),
                AddEmbedding => new AddEmbeddingGradient(node),
                SelectToken or MeanTokens => new PoolGradient(node),
                _ => throw Unsupported(node),
            };
            if (step is not null)
                steps.Add((node, step));
        }
        return steps;
    }

    private static Node DeltaOf(Node scan, ILookup<Node, Node> users)
    {
        Node delta = scan.Inputs[1];
        return delta.Operator is Softplus && OnlyUser(delta, users) is not null ? delta.Inputs[0] : delta;
    }

    /// <summary>Whether a node turns the image into tokens, together with the change of layout after it.</summary>
    private static bool IsPatchEmbedding(Node node, ILookup<Node, Node> users) =>
        node is { Operator: Conv2d } && node.Inputs[0].Operator is Input && OnlyUser(node, users)?.Operator is FlattenSpatial;

    /// <summary>The SiLU that a product gates with, if nobody else uses it, its input, or what is gated.</summary>
    private static Node? SiluOfGate(Node product, ILookup<Node, Node> users)
    {
        if (product.Operator is not Multiply || product.Inputs[0] == product.Inputs[1])
            return null;
        Node? silu = product.Inputs.LastOrDefault(input => input.Operator is Silu);
        bool isGate = silu is not null && product.Inputs.Append(silu.Inputs[0]).All(node => OnlyUser(node, users) is not null);
        return isGate ? silu : null;
    }

    private static Node? OnlyUser(Node node, ILookup<Node, Node> users) => users[node].Count() == 1 ? users[node].First() : null;

    private static NotSupportedException Unsupported(Node node) =>
        new($"Training does not support the operator {node.Operator.Kind} at '{node.Name}'.");
}
