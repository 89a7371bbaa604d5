using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Grids;
using Bitis.Tensors;

namespace Bitis.Graphs.Fusion;

/// <summary>Folds batch norms into the layers before them, which then have other weights and a bias.</summary>
/// <remarks>
/// A norm stays if something else reads its input, or if another layer shares the parameters. A new bias is named after
/// the layer.
/// </remarks>
internal sealed class NormFolding
{
    private readonly Dictionary<Node, Node> _norms;

    /// <summary>Folds the norms of a graph.</summary>
    /// <param name="graph">The graph. Without norms to fold, it stays as it is.</param>
    public NormFolding(Graph graph)
    {
        ILookup<Node, Node> users =
            graph.Nodes.SelectMany(node => node.Inputs, (user, used) => (user, used))
                .ToLookup(pair => pair.used, pair => pair.user);
        _norms = graph.Nodes
            .Where(node => node.Operator is BatchNorm && CanFold(graph, node, users))
            .ToDictionary(norm => norm.Inputs[0]);
        Graph = _norms.Count == 0 ? graph : WithoutNorms(graph);
    }

    /// <summary>The graph without the norms.</summary>
    public Graph Graph { get; }

    /// <summary>Folds the norms of what a model answers with.</summary>
    /// <remarks>Other outputs, such as a head for training, are left out, and so are their parameters.</remarks>
    /// <param name="graph">The graph of a model.</param>
    public static NormFolding OfAnswer(Graph graph) =>
        new(graph.Outputs.Count == 1 ? graph : GraphSegment.Leading(graph, graph.Output));

    /// <summary>The weights of <see cref="Graph"/>, by name: the given ones, where nothing is folded.</summary>
    /// <param name="weights">The parameters of the graph with norms, by name.</param>
    public IReadOnlyDictionary<string, FloatTensor> WeightsOf(IReadOnlyDictionary<string, FloatTensor> weights)
    {
        if (_norms.Count == 0)
            return weights;
        var folded = new Dictionary<string, FloatTensor>(weights);
        foreach ((Node layer, Node norm) in _norms)
            Fold(layer, norm, weights, folded);
        return folded;
    }

    private Graph WithoutNorms(Graph graph)
    {
        var nodes = new List<Node>();
        var copies = new Dictionary<Node, Node>();
        HashSet<Node> folded = [.. _norms.Values];
        foreach (Node node in graph.Nodes)
        {
            if (folded.Contains(node))
            {
                copies.Add(node, copies[node.Inputs[0]]);
                continue;
            }
            bool changes = _norms.ContainsKey(node);
            Node copy = new(
                nodes.Count, node.Name, node.Block, changes ? node.Operator.WithBias! : node.Operator,
                [.. node.Inputs.Select(input => copies[input])],
                changes ? [node.ParameterNames[0], BiasOf(node)] : node.ParameterNames, node.Shape);
            nodes.Add(copy);
            copies.Add(node, copy);
        }
        return new Graph(nodes, [.. graph.Outputs.Select(output => copies[output])]);
    }

    private static bool CanFold(Graph graph, Node norm, ILookup<Node, Node> users)
    {
        Node layer = norm.Inputs[0];
        return layer.Operator.WithBias is not null && users[layer].Count() == 1 && !graph.Outputs.Contains(layer)
            && layer.ParameterNames.All(name => graph.OtherUserOf(name, layer) is null)
            && !graph.Parameters.Any(parameter => parameter.Name == BiasOf(layer) && !layer.ParameterNames.Contains(
                parameter.Name));
    }

    private static string BiasOf(Node layer) =>
        layer.ParameterNames.Count > 1 ? layer.ParameterNames[1] : $"{layer.Name}.bias";

    private static void Fold(
        Node layer, Node norm, IReadOnlyDictionary<string, FloatTensor> weights,
        Dictionary<string, FloatTensor> folded)
    {
        FloatTensor weight = weights[layer.ParameterNames[0]];
        FloatTensor? bias = layer.ParameterNames.Count > 1 ? weights[layer.ParameterNames[1]] : null;
        FloatTensor[] statistics = [.. norm.ParameterNames.Select(name => weights[name])];
        int channels = weight.Shape[0], length = weight.Length / channels;
        FloatTensor newWeight = FloatTensor.Uninitialized(weight.Shape), newBias = new([channels]);
        for (int channel = 0; channel < channels; channel++)
        {
            (double factor, double offset) = ((BatchNorm)norm.Operator).Factors(statistics, channel);
            newBias.Span[channel] = (float)((bias?.Span[channel] ?? 0) * factor + offset);
            for (int i = channel * length; i < (channel + 1) * length; i++)
                newWeight.Span[i] = (float)(weight.Span[i] * factor);
        }
        foreach (string name in norm.ParameterNames)
            folded.Remove(name);
        folded[layer.ParameterNames[0]] = newWeight;
        folded[BiasOf(layer)] = newBias;
    }
}
