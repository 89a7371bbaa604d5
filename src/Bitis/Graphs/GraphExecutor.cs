using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>Runs a graph from its input to its output, node by node.</summary>
/// <remarks>It drops each value after its last use.</remarks>
internal sealed class GraphExecutor
{
    private readonly Graph _graph;
    private readonly IReadOnlyDictionary<string, FloatTensor> _weights;
    private readonly INodeEvaluator _evaluator;
    private readonly GraphSegment _whole;

    /// <summary>Creates an executor for a model.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its parameters, by name.</param>
    /// <param name="evaluator">The evaluator that computes nodes.</param>
    /// <exception cref="KeyNotFoundException">A parameter is missing.</exception>
    public GraphExecutor(Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, INodeEvaluator evaluator)
    {
        foreach ((string name, _) in graph.Parameters)
        {
            if (!weights.ContainsKey(name))
                throw new KeyNotFoundException($"The parameter '{name}' is missing.");
        }
        _graph = graph;
        _weights = weights;
        _evaluator = evaluator;
        _whole = GraphSegment.All(graph);
    }

    /// <summary>Computes the output of a batch.</summary>
    /// <param name="images">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="cancellationToken">Ends the work between two nodes.</param>
    /// <returns>The graph's output, <c>[batch, classes]</c> for a classifier.</returns>
    /// <exception cref="ArgumentException">The images do not have the graph's input shape.</exception>
    /// <exception cref="BitisException">A pixel is not finite.</exception>
    public FloatTensor Run(FloatTensor images, CancellationToken cancellationToken = default)
    {
        if (images.Shape.Rank == 0 || images.Shape.DropFirst() != _graph.Input.Shape)
        {
            throw new ArgumentException(
                $"The model takes [batch, {string.Join(", ", _graph.Input.Shape)}], not {images.Shape}; "
                + "its preprocessing makes such images.",
                nameof(images));
        }

        InputImages.RequireFinite(images);
        var inputs = new Dictionary<Node, FloatTensor> { [_graph.Input] = images };
        return _whole.Run(inputs, _weights, _evaluator, cancellationToken)[_graph.Output];
    }
}
