using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Graphs.Operators;

namespace Bitis.Execution.Gradients;

/// <summary>The inputs to the choice of each operation's backward form.</summary>
internal sealed class GradientContext
{
    private readonly GridLayouts _layouts;
    private readonly ILookup<Node, Node> _readers;

    /// <summary>Creates the context of a graph.</summary>
    /// <param name="graph">The model, or a part of one.</param>
    /// <param name="policy">How the backward pass of linear and convolutional layers is computed.</param>
    /// <param name="frozen">The layers that do not learn; null if all learn.</param>
    public GradientContext(Graph graph, BackwardPolicy policy, FrozenLayers? frozen)
    {
        (Policy, Frozen) = (policy, frozen);
        _layouts = new GridLayouts(graph);
        _readers = graph.Nodes.SelectMany(reader => reader.Inputs.Select(input => (input, reader)))
            .ToLookup(pair => pair.input, pair => pair.reader);
    }

    /// <summary>How the backward pass of linear and convolutional layers is computed.</summary>
    public BackwardPolicy Policy { get; }

    /// <summary>The layers that do not learn; null if all learn.</summary>
    public FrozenLayers? Frozen { get; }

    /// <summary>The method that approximates a layer's backward pass; null for the exact one.</summary>
    public BackwardMethod? ApproximationOf(Node layer) =>
        Policy.MethodOf(layer, Frozen) is { IsExact: false } method ? method : null;

    /// <summary>Whether a layer's output is a summand and nothing else, as in the residual stream.</summary>
    public bool IsSummand(Node layer) => _readers[layer].Any() && _readers[layer].All(reader => reader.Operator.IsSum);

    /// <summary>How the rows of a value lie on the image.</summary>
    public GridLayout LayoutOf(Node node) => _layouts[node];
}
