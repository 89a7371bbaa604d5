using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;

namespace Bitis.Execution.LowBit;

/// <summary>How the rows of each value of a graph lie on the image.</summary>
/// <remarks>
/// Found by following the graph from the place where the image became tokens. Reversed tokens lie in memory as they
/// were.
/// </remarks>
internal sealed class GridLayouts
{
    private readonly Dictionary<Node, GridLayout> _layouts = [];

    /// <summary>Follows a graph.</summary>
    public GridLayouts(Graph graph)
    {
        foreach (Node node in graph.Nodes)
        {
            int rows = node.Shape.Rank == 0 ? 1 : (int)(node.Shape.ElementCount / node.Shape[^1]);
            _layouts.Add(
                node,
                node.Operator.PlaceOnGrid([.. node.Inputs.Select(input => (input.Shape, _layouts[input]))], rows));
        }
    }

    /// <summary>How the rows of a value lie.</summary>
    public GridLayout this[Node node] => _layouts[node];
}
