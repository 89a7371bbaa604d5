using Bitis.Graphs;
using Bitis.Operators;

namespace Bitis.Training.Gradients;

/// <summary>
/// Turns a graph into steps. Three pairs of neighbours become one step each, so that the value between them is never
/// stored: convolution and SiLU, softplus and scan, SiLU and product.
/// </summary>
internal static class GradientCompiler
{
    /// <summary>The steps of a graph in the order of the forward pass.</summary>
    /// <exception cref="NotSupportedException">An operator has no reverse pass here.</exception>
    public static List<GradientStep> Compile(Graph graph)
    {
        ILookup<Node, Node> users = graph.Nodes
            .SelectMany(node => node.Inputs, (user, used) => (user, used))
            .ToLookup(pair => pair.used, pair => pair.user);
        var steps = new List<GradientStep>();
        foreach (Node node in graph.Nodes)
        {
            Node? next = users[node].Count() == 1 ? users[node].First() : null;
            GradientStep? step = node.Operator switch
            {
                Input or SliceChannels or ReverseTokens => null, // views
                Conv2d when node.Inputs[0] == graph.Input && next?.Operator is FlattenSpatial => new PatchEmbeddingGradient(node, next),
                FlattenSpatial when node.Inputs[0].Operator is Conv2d => null, // part of the embedding
                CausalConv1d => new CausalConvolutionGradient(node, next?.Operator is Silu ? next : node),
                Silu when node.Inputs[0].Operator is CausalConv1d && users[node.Inputs[0]].Count() == 1 => null, // part of it
                Silu when next?.Operator is Multiply => null, // part of the gate
                Softplus when next?.Operator is Operators.SelectiveScan && next.Inputs[1] == node => null, // part of the scan
                Linear => new LinearGradient(node),
                RmsNorm or LayerNorm => new NormGradient(node),
                Operators.SelectiveScan => new ScanGradient(node, DeltaOf(node, users)),
                Add => new AddGradient(node),
                Scale => new ScaleGradient(node),
                Multiply => GateOf(node, users),
                InsertToken => new InsertTokenGradient(node),
                AddEmbedding => new AddEmbeddingGradient(node),
                SelectToken or MeanTokens => new PoolGradient(node),
                _ => throw Unsupported(node),
            };
            if (step is not null)
                steps.Add(step);
        }
        return steps;
    }

    private static Node DeltaOf(Node scan, ILookup<Node, Node> users)
    {
        Node delta = scan.Inputs[1];
        return delta.Operator is Softplus && users[delta].Count() == 1 ? delta.Inputs[0] : delta;
    }

    private static GateGradient GateOf(Node product, ILookup<Node, Node> users)
    {
        int gate = product.Inputs[1].Operator is Silu ? 1 : 0;
        Node silu = product.Inputs[gate];
        return silu.Operator is Silu && users[silu].Count() == 1
            ? new GateGradient(product, product.Inputs[1 - gate], silu.Inputs[0])
            : throw Unsupported(product);
    }

    private static NotSupportedException Unsupported(Node node) =>
        new($"Training does not support the operator {node.Operator.Kind} at '{node.Name}'.");
}
