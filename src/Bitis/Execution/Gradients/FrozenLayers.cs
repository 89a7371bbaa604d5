using System.IO.Enumeration;
using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Execution.Gradients;

/// <summary>The parameters of a model that do not learn.</summary>
/// <remarks>
/// The backward pass ends at the lowest node that learns. Below it, no gradient is computed, and nothing is kept for
/// one.
/// </remarks>
internal sealed class FrozenLayers
{
    private readonly HashSet<Node> _frozen;
    private readonly HashSet<Node> _differentiated = [];

    /// <summary>Freezes the nodes whose name matches a pattern.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="patterns">
    /// Names of nodes with <c>*</c> and <c>?</c>: <c>layers.0.*</c>, <c>patch_embed*</c>.
    /// </param>
    /// <exception cref="BitisException">
    /// A pattern matches no node with parameters, a node shares a parameter with one that learns, or nothing is left
    /// that learns.
    /// </exception>
    public FrozenLayers(Graph graph, IReadOnlyList<string> patterns)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(patterns);
        Node[] nodes = [.. graph.Nodes.Where(node => node.ParameterNames.Count > 0)];
        foreach (string pattern in patterns.Where(pattern => !nodes.Any(node => Matches(pattern, node))))
        {
            throw new BitisException(
                $"The pattern '{pattern}' of layers to freeze matches no layer with weights; their names are like "
                + $"'{nodes[0].Name}' and '{nodes[^1].Name}'.");
        }
        _frozen = [.. nodes.Where(node => patterns.Any(pattern => Matches(pattern, node)))];
        Node[] learners = [.. nodes.Where(node => !_frozen.Contains(node))];
        HashSet<string> learning = [.. learners.SelectMany(node => node.ParameterNames)];
        if (learning.Count == 0)
        {
            throw new BitisException(
                $"The patterns {string.Join(", ", patterns.Select(pattern => $"'{pattern}'"))} freeze all layers; "
                + "at least one layer must learn.");
        }

        if (_frozen.FirstOrDefault(node => node.ParameterNames.Any(learning.Contains)) is { } frozen)
        {
            string shared = frozen.ParameterNames.First(learning.Contains);
            string learner = learners.First(node => node.ParameterNames.Contains(shared)).Name;
            throw new BitisException(
                $"'{frozen.Name}' cannot be frozen: it shares the parameter '{shared}' with '{learner}', which learns. "
                + "Freeze both of them, or neither.");
        }
        Learning = [.. graph.LearningParameters.Where(parameter => learning.Contains(parameter.Name))];
        foreach (Node node in graph.Nodes)
        {
            if (node.ParameterNames.Any(learning.Contains) || node.Inputs.Any(_differentiated.Contains))
                _differentiated.Add(node);
        }
    }

    /// <summary>The parameters that learn, in the graph's order: name and shape.</summary>
    public IReadOnlyList<(string Name, Shape Shape)> Learning { get; }

    /// <summary>Whether a node has parameters, and none of them learns.</summary>
    public bool IsFrozen(Node node) => _frozen.Contains(node);

    /// <summary>Whether a node's value depends on a parameter that learns, so that its gradient is needed.</summary>
    public bool IsDifferentiated(Node node) => _differentiated.Contains(node);

    private static bool Matches(string pattern, Node node) =>
        FileSystemName.MatchesSimpleExpression(pattern, node.Name, ignoreCase: false);
}
