using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Runtime;

/// <summary>A plan under construction: its steps so far, the places of nodes' values, and who reads them.</summary>
internal abstract class PlanBuilder : IDisposable
{
    private readonly IReadOnlyDictionary<string, Tensor> _weights;
    private readonly List<Step> _steps = [];
    private readonly HashSet<ArenaBlock> _blocks = [];

    /// <summary>Starts without steps.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its float parameters, by name.</param>
    protected PlanBuilder(Graph graph, IReadOnlyDictionary<string, Tensor> weights)
    {
        Graph = graph;
        _weights = weights;
        Consumers = graph.Nodes
            .SelectMany(node => node.Inputs, (node, input) => (node, input))
            .ToLookup(use => use.input, use => use.node);
    }

    /// <summary>The model.</summary>
    protected Graph Graph { get; }

    /// <summary>The nodes that read a node's value.</summary>
    protected ILookup<Node, Node> Consumers { get; }

    /// <summary>Where the values of the nodes so far lie.</summary>
    protected Dictionary<Node, ArenaMatrix> Values { get; } = [];

    /// <summary>Frees the steps of a plan that is not finished.</summary>
    public void Dispose() => _steps.ForEach(step => step.Dispose());

    /// <summary>The finished plan; it owns the steps.</summary>
    protected Plan Build()
    {
        ArenaMatrix output = Values[Graph.Output];
        output.Block.Touch(_steps.Count); // The answer is read after the last step.
        long bytes = ArenaPlanner.Place(_blocks);
        return new Plan(_steps, Values[Graph.Input], output, bytes);
    }

    protected void Emit(Node node, Func<ArenaMatrix, Step> create) => Emit(node, isReversed: false, create);

    /// <summary>Adds a step that computes a node from its inputs into a new place.</summary>
    protected void Emit(Node node, bool isReversed, Func<ArenaMatrix, Step> create)
    {
        ArenaMatrix y = Allocate(node) with { IsReversed = isReversed };
        Touch(create(y), [y, .. node.Inputs.Select(input => Values[input])]);
        Values[node] = y;
    }

    /// <summary>Adds a step that computes a node in the place of its input, or in a new one where the input is still needed.</summary>
    protected void EmitInPlaceIfLast(Node node, Func<ArenaMatrix, Step> create)
    {
        if (IsLastUse(node, 0))
            EmitInPlace(node, 0, create);
        else
            Emit(node, Value(node, 0).IsReversed, create);
    }

    protected void EmitInPlace(Node node, int input, Func<ArenaMatrix, Step> create) =>
        EmitInPlace(node, Value(node, input), create);

    /// <summary>Adds a step that computes a node in the place of one of its inputs.</summary>
    protected void EmitInPlace(Node node, ArenaMatrix place, Func<ArenaMatrix, Step> create)
    {
        Touch(create(place), [place, .. node.Inputs.Select(input => Values[input])]);
        Values[node] = place;
    }

    protected void Touch(Step step, params ReadOnlySpan<ArenaMatrix> operands)
    {
        foreach (ArenaMatrix operand in operands)
            operand.Block.Touch(_steps.Count);
        _steps.Add(step);
    }

    /// <summary>Takes back the step that was added last if it writes a matrix row by row, for the step that is added now and reads it.</summary>
    protected Step? TakeWriter(ArenaMatrix matrix)
    {
        if (_steps.Count == 0 || _steps[^1] is not { Rows: { } rows } writer || rows with { IsReversed = matrix.IsReversed } != matrix)
            return null;
        _steps.RemoveAt(_steps.Count - 1);
        return writer;
    }

    protected ArenaMatrix Allocate(Node node)
    {
        int columns = node.Shape.Rank == 0 ? 1 : node.Shape[^1];
        int rows = columns == 0 ? 0 : checked((int)(node.Shape.ElementCount / columns));
        return new ArenaMatrix(NewBlock(node.Shape.ElementCount * sizeof(float)), 0, rows, columns, columns);
    }

    protected ArenaBlock NewBlock(long bytes)
    {
        var block = new ArenaBlock(bytes);
        _blocks.Add(block);
        return block;
    }

    protected ArenaMatrix Value(Node node, int input) => Values[node.Inputs[input]];

    protected Tensor Parameter(Node node, int index) => _weights[node.ParameterNames[index]];

    protected Node? OnlyConsumer(Node node)
    {
        Node[] consumers = [.. Consumers[node]];
        return consumers.Length == 1 && node != Graph.Output ? consumers[0] : null;
    }

    /// <summary>Whether no later node reads what a node's input holds, so that it may be overwritten.</summary>
    protected bool IsLastUse(Node node, int input)
    {
        ArenaMatrix value = Value(node, input);
        return Graph.Output != node.Inputs[input] && !Graph.Nodes
            .Where(other => other.Index > node.Index)
            .SelectMany(other => other.Inputs)
            .Any(read => Values.TryGetValue(read, out ArenaMatrix place) && place.Block == value.Block);
    }

    /// <summary>Says that the step that was added last uses a block, besides the values of its node's inputs.</summary>
    protected void TouchByLast(ArenaBlock block) => block.Touch(_steps.Count - 1);
}
