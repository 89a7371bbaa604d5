using Bitis.Graphs.Operators;
using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>A model as a graph of standard operators: one input, outputs, nodes in an order of execution.</summary>
public sealed class Graph
{
    private readonly Dictionary<string, Node> _byName;
    private readonly ILookup<string, Node> _parameterUsers;

    internal Graph(IReadOnlyList<Node> nodes, IReadOnlyList<Node> outputs)
    {
        Nodes = nodes;
        Outputs = outputs;
        _byName = nodes.ToDictionary(node => node.Name);
        Parameters =
        [
            .. nodes.SelectMany(node => ParametersOf(node, _ => true)).DistinctBy(parameter => parameter.Name),
        ];
        LearningParameters =
        [
            .. nodes.SelectMany(node => ParametersOf(node, spec => spec.Learns))
                .DistinctBy(parameter => parameter.Name),
        ];
        _parameterUsers = nodes.SelectMany(node => node.ParameterNames.Select(name => (name, node)))
            .ToLookup(pair => pair.name, pair => pair.node);
        BlockCount = nodes.Max(node => node.Block + 1) ?? 0;
    }

    /// <summary>All nodes; each comes after its inputs.</summary>
    public IReadOnlyList<Node> Nodes { get; }

    /// <summary>The node of the image.</summary>
    public Node Input => Nodes[0];

    /// <summary>The nodes of what comes from outside: the image, or the values that a part of a model takes.</summary>
    internal IReadOnlyList<Node> Inputs => [.. Nodes.Where(node => node.IsInput)];

    /// <summary>The node of the logits; of several outputs, the first one.</summary>
    public Node Output => Outputs[0];

    /// <summary>All outputs, at least one: logits, and other heads or maps that a model has besides.</summary>
    internal IReadOnlyList<Node> Outputs { get; }

    /// <summary>How many blocks the backbone has.</summary>
    public int BlockCount { get; }

    /// <summary>All parameters of the nodes: their names in the checkpoint and their shapes.</summary>
    public IReadOnlyList<(string Name, Shape Shape)> Parameters { get; }

    /// <summary>The number of values of all parameters.</summary>
    internal long ParameterCount => Parameters.Sum(parameter => parameter.Shape.ElementCount);

    /// <summary>The parameters that a training changes: all but the statistics of norms.</summary>
    internal IReadOnlyList<(string Name, Shape Shape)> LearningParameters { get; }

    /// <summary>The node with this name.</summary>
    /// <exception cref="KeyNotFoundException">There is no such node.</exception>
    public Node this[string name] => _byName[name];

    /// <summary>Whether a node belongs to a block. A graph without blocks counts as one block.</summary>
    internal bool IsInBlock(Node node) => node.Block is not null || BlockCount == 0;

    /// <summary>A node other than this one that has the parameter, too; null if there is none.</summary>
    internal Node? OtherUserOf(string parameter, Node node) =>
        _parameterUsers[parameter].FirstOrDefault(user => user != node);

    /// <summary>The same nodes with other outputs.</summary>
    internal Graph WithOutputs(params IReadOnlyList<Node> outputs) => new(Nodes, outputs);

    private static IEnumerable<(string Name, Shape Shape)> ParametersOf(
        Node node, Func<ParameterSpec, bool> isWanted) =>
        node.ParameterNames.Zip(node.Operator.Parameters)
            .Where(parameter => isWanted(parameter.Second))
            .Select(parameter => (parameter.First, parameter.Second.Shape));
}
