using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>Walks a graph from its input to its output, one node after the other, and drops each value after its last use.</summary>
public sealed class GraphExecutor
{
    private readonly Graph _graph;
    private readonly INodeEvaluator _evaluator;
    private readonly Tensor[][] _parameters;
    private readonly int[] _lastUse;

    /// <summary>Prepares the walk.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its parameters, by name.</param>
    /// <param name="evaluator">What computes a node.</param>
    /// <exception cref="KeyNotFoundException">A parameter is missing.</exception>
    public GraphExecutor(Graph graph, IReadOnlyDictionary<string, Tensor> weights, INodeEvaluator evaluator)
    {
        _graph = graph;
        _evaluator = evaluator;
        _parameters = [.. graph.Nodes.Select(node => node.ParameterNames.Select(name => weights[name]).ToArray())];
        _lastUse = LastUses(graph);
    }

    /// <summary>Computes the output of a batch.</summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="cancellationToken">Ends the walk between two nodes.</param>
    /// <returns>The graph's output, <c>[batch, classes]</c> for a classifier.</returns>
    /// <exception cref="ArgumentException">The images do not have the graph's input shape.</exception>
    public Tensor Run(Tensor images, CancellationToken cancellationToken = default)
    {
        if (images.Shape.Rank == 0 || images.Shape.DropFirst() != _graph.Input.Shape)
            throw new ArgumentException($"The model takes [batch, {_graph.Input.Shape}], not {images.Shape}.", nameof(images));
        var values = new Tensor?[_graph.Nodes.Count];
        values[0] = images;
        foreach (Node node in _graph.Nodes.Skip(1))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Tensor[] inputs = [.. node.Inputs.Select(input => values[input.Index]!)];
            values[node.Index] = _evaluator.Evaluate(node, inputs, _parameters[node.Index]);
            foreach (Node input in node.Inputs)
            {
                if (_lastUse[input.Index] == node.Index)
                    values[input.Index] = null;
            }
        }
        return values[_graph.Output.Index]!;
    }

    private static int[] LastUses(Graph graph)
    {
        var lastUse = new int[graph.Nodes.Count];
        foreach (Node node in graph.Nodes)
        {
            foreach (Node input in node.Inputs)
                lastUse[input.Index] = node.Index;
        }
        lastUse[graph.Output.Index] = int.MaxValue;
        return lastUse;
    }
}
