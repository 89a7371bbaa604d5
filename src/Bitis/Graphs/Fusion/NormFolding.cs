using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Grids;
using Bitis.Tensors;

namespace Bitis.Graphs.Fusion;

/// <summary>Folds batch norms into the layers before them, which then have other weights and a bias.</summary>
internal static class NormFolding
{
    /// <summary>The graph without batch norms that follow a layer, and its weights.</summary>
    /// <remarks>
    /// A norm stays if something else reads its input, or if another layer shares the parameters. Graph and weights
    /// are the given ones if there is nothing to fold. A new bias is named after the layer.
    /// </remarks>
    /// <param name="graph">The graph.</param>
    /// <param name="weights">Its parameters, by name.</param>
    public static (Graph Graph, IReadOnlyDictionary<string, FloatTensor> Weights) Apply(
        Graph graph, IReadOnlyDictionary<string, FloatTensor> weights)
    {
        ILookup<Node, Node> users =
            graph.Nodes.SelectMany(node => node.Inputs, (user, used) => (user, used))
                .ToLookup(pair => pair.used, pair => pair.user);
        Dictionary<Node, Node> norms = graph.Nodes
            .Where(node => node.Operator is BatchNorm && CanFold(graph, node, users))
            .ToDictionary(norm => norm.Inputs[0]);
        if (norms.Count == 0)
            return (graph, weights);
        var folded = new Dictionary<string, FloatTensor>(weights);
        var nodes = new List<Node>();
        var copies = new Dictionary<Node, Node>();
        foreach (Node node in graph.Nodes)
        {
            if (node.Operator is BatchNorm && copies.TryGetValue(node.Inputs[0], out Node? layer)
                && norms.ContainsKey(node.Inputs[0]))
            {
                copies.Add(node, layer);
                continue;
            }
            (Operator op, IReadOnlyList<string> parameters) = (node.Operator, node.ParameterNames);
            if (norms.TryGetValue(node, out Node? norm))
            {
                op = node.Operator.WithBias!;
                parameters = [node.ParameterNames[0], BiasOf(node)];
                Fold(node, norm, weights, folded);
            }
            Node copy = new(
                nodes.Count, node.Name, node.Block, op, [.. node.Inputs.Select(input => copies[input])], parameters,
                node.Shape);
            nodes.Add(copy);
            copies.Add(node, copy);
        }
        return (new Graph(nodes, [.. graph.Outputs.Select(output => copies[output])]), folded);
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
