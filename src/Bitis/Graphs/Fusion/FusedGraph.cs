namespace Bitis.Graphs.Fusion;

/// <summary>A graph as a list of operations, for all executors. See <see cref="FusionPass"/>.</summary>
internal sealed class FusedGraph
{
    private readonly IReadOnlyDictionary<Node, TokenLayout> _layouts;
    private readonly Dictionary<Node, FusedOperation> _producers;
    private readonly ILookup<Node, FusedOperation> _readers;

    /// <summary>Creates the graph from the results of the pass.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="operations">All operations, in an order of execution, without the graph's inputs.</param>
    /// <param name="layouts">The layouts that are not natural.</param>
    public FusedGraph(
        Graph graph, IReadOnlyList<FusedOperation> operations, IReadOnlyDictionary<Node, TokenLayout> layouts)
    {
        Graph = graph;
        Operations = operations;
        _layouts = layouts;
        _producers = operations.SelectMany(operation => operation.Outputs, (operation, output) => (operation, output))
            .ToDictionary(pair => pair.output, pair => pair.operation);
        _readers = operations.SelectMany(operation => operation.Inputs, (operation, input) => (operation, input))
            .ToLookup(pair => pair.input, pair => pair.operation);
    }

    /// <summary>The graph.</summary>
    public Graph Graph { get; }

    /// <summary>All operations, in an order of execution.</summary>
    public IReadOnlyList<FusedOperation> Operations { get; }

    /// <summary>The graph without the operations that its outputs do not need.</summary>
    public FusedGraph WithoutDeadOperations()
    {
        HashSet<Node> needed = [.. Graph.Outputs];
        foreach (
            FusedOperation operation in Operations.Reverse().Where(operation => operation.Outputs.Any(needed.Contains)))
        {
            needed.UnionWith(operation.Inputs);
        }

        return new FusedGraph(
            Graph, [.. Operations.Where(operation => operation.Outputs.Any(needed.Contains))], _layouts);
    }

    /// <summary>How the tokens of a value lie in memory.</summary>
    public TokenLayout LayoutOf(Node node) => _layouts.GetValueOrDefault(node);

    /// <summary>The operation that computes a value; null for an input of the graph.</summary>
    public FusedOperation? ProducerOf(Node node) => _producers.GetValueOrDefault(node);

    /// <summary>The operations that read a value, each once.</summary>
    public IEnumerable<FusedOperation> ReadersOf(Node node) => _readers[node];

    /// <summary>The only operation that reads a value; else null.</summary>
    /// <remarks>Null if there are several readers or none, or if the value is an output of the graph.</remarks>
    public FusedOperation? OnlyReaderOf(Node node)
    {
        using IEnumerator<FusedOperation> readers = _readers[node].GetEnumerator();
        if (Graph.Outputs.Contains(node) || !readers.MoveNext())
            return null;
        FusedOperation reader = readers.Current;
        return readers.MoveNext() ? null : reader;
    }
}
