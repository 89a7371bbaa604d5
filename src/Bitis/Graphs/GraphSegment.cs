using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Tensors;

namespace Bitis.Graphs;

/// <summary>Some nodes of a graph that are computed together, such as a block.</summary>
/// <remarks>
/// The part before the first block and the parts between blocks are segments, too. Inputs and outputs are values of
/// nodes, for a batch.
/// </remarks>
internal sealed class GraphSegment
{
    private readonly Dictionary<Node, Node> _lastUse = [];

    private GraphSegment(int? block, IReadOnlyList<Node> nodes, IReadOnlyList<Node> outputs)
    {
        Block = block;
        Nodes = nodes;
        Outputs = outputs;
        var inside = nodes.ToHashSet();
        IEnumerable<Node> read = nodes.SelectMany(node => node.Inputs).Concat(outputs);
        Inputs = [.. read.Where(input => !inside.Contains(input)).Distinct().OrderBy(node => node.Index)];
        foreach (Node node in nodes)
        {
            foreach (Node input in node.Inputs)
                _lastUse[input] = node;
        }
    }

    /// <summary>The block; null for nodes outside of blocks.</summary>
    public int? Block { get; }

    /// <summary>The nodes in an order of execution.</summary>
    public IReadOnlyList<Node> Nodes { get; }

    /// <summary>
    /// The nodes whose values come from outside. Those that only pass through belong to <see cref="Outputs"/>, too.
    /// </summary>
    public IReadOnlyList<Node> Inputs { get; }

    /// <summary>The nodes whose values are used outside.</summary>
    public IReadOnlyList<Node> Outputs { get; }

    /// <summary>
    /// Cuts a graph before and after each block. Without blocks, there is one segment. No segment has the image.
    /// </summary>
    /// <exception cref="BitisException">The nodes of a block do not lie together.</exception>
    public static IReadOnlyList<GraphSegment> Split(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        if (graph.BlockCount == 0)
            return [new GraphSegment(block: 0, [.. graph.Nodes.Skip(1)], graph.Outputs)];
        List<List<Node>> parts = CutAtBlocks(graph);
        var partOf = new Dictionary<Node, List<Node>>();
        foreach (List<Node> part in parts)
        {
            foreach (Node node in part)
                partOf.Add(node, part);
        }
        var usedOutside = new HashSet<Node>(graph.Outputs);
        foreach ((Node node, List<Node> part) in partOf)
            usedOutside.UnionWith(node.Inputs.Where(input => !ReferenceEquals(partOf.GetValueOrDefault(input), part)));
        return [.. parts.Select(part => new GraphSegment(part[0].Block, part, [.. part.Where(usedOutside.Contains)]))];
    }

    /// <summary>All nodes but the image, grouped into blocks and the parts between them.</summary>
    private static List<List<Node>> CutAtBlocks(Graph graph)
    {
        var parts = new List<List<Node>>();
        var partOfBlock = new Dictionary<int, List<Node>>();
        foreach (Node node in graph.Nodes.Skip(1))
        {
            if (parts.Count == 0 || parts[^1][0].Block != node.Block)
            {
                parts.Add([]);
                if (node.Block is { } block && !partOfBlock.TryAdd(block, parts[^1]))
                {
                    throw new BitisException(
                        $"'{node.Name}' belongs to block {block}, whose other nodes end at "
                        + $"'{partOfBlock[block][^1].Name}': add the nodes of a block one after the other.");
                }
            }
            parts[^1].Add(node);
        }
        return parts;
    }

    /// <summary>The whole graph as one segment.</summary>
    public static GraphSegment All(Graph graph) => new(block: null, [.. graph.Nodes.Skip(1)], graph.Outputs);

    /// <summary>The part of this segment that computes some of its values.</summary>
    public GraphSegment For(params IReadOnlyList<Node> outputs)
    {
        var needed = outputs.ToHashSet();
        foreach (Node node in Nodes.Reverse())
        {
            if (needed.Contains(node))
                needed.UnionWith(node.Inputs);
        }
        return new GraphSegment(Block, [.. Nodes.Where(needed.Contains)], outputs);
    }

    /// <summary>The part of this segment whose values change if some of its nodes do.</summary>
    public GraphSegment After(IReadOnlySet<Node> changing)
    {
        var affected = new HashSet<Node>();
        foreach (Node node in Nodes)
        {
            if (changing.Contains(node) || node.Inputs.Any(affected.Contains))
                affected.Add(node);
        }
        return new GraphSegment(Block, [.. Nodes.Where(affected.Contains)], [.. Outputs.Where(affected.Contains)]);
    }

    /// <summary>The node in <see cref="ToGraph"/> that the first input of a node passes through.</summary>
    internal static string NameOfInput(string node) => $"{node}.input";

    /// <summary>This segment as a graph of its own.</summary>
    /// <remarks>Each node outside of the segment that it reads becomes an <see cref="Input"/>.</remarks>
    /// <param name="output">The graph's output, one of <see cref="Outputs"/>.</param>
    /// <param name="before">
    /// An operator for the first input of a node, or null for none; null for no operators at all.
    /// </param>
    internal Graph ToGraph(Node output, Func<Node, Operator?>? before = null) => Isolate(Inputs, Nodes, output, before);

    /// <summary>Some nodes as a graph of their own.</summary>
    /// <remarks>Each other node that they read becomes an <see cref="Input"/>.</remarks>
    internal static Graph Isolate(
        IEnumerable<Node> inputs, IEnumerable<Node> members, Node output, Func<Node, Operator?>? before = null)
    {
        var nodes = new List<Node>();
        var copies = new Dictionary<Node, Node>();
        foreach (Node input in inputs)
            copies.Add(input, Append(input.Name, input.Block, new Input(input.Shape), [], [], input.Shape));
        foreach (Node node in members)
        {
            Node[] operands = [.. node.Inputs.Select(input => copies[input])];
            if (before?.Invoke(node) is { } first)
                operands[0] = Append(NameOfInput(node.Name), node.Block, first, [operands[0]], [], operands[0].Shape);
            copies.Add(node, Append(node.Name, node.Block, node.Operator, operands, node.ParameterNames, node.Shape));
        }
        return new Graph(nodes, [copies[output]]);

        Node Append(
            string name, int? block, Operator op, IReadOnlyList<Node> sources, IReadOnlyList<string> parameterNames,
            Shape shape)
        {
            nodes.Add(new Node(nodes.Count, name, block, op, sources, parameterNames, shape));
            return nodes[^1];
        }
    }

    /// <summary>The part of a graph that computes one of its outputs, as a graph of its own.</summary>
    internal static Graph Leading(Graph graph, Node output) =>
        Isolate([graph.Input], All(graph).For(output).Nodes, output);

    /// <summary>Computes the outputs; each value is dropped after its last use.</summary>
    /// <param name="inputs">The values of <see cref="Inputs"/>, with the batch in front.</param>
    /// <param name="weights">The model's parameters, by name.</param>
    /// <param name="evaluator">The evaluator that computes nodes.</param>
    /// <param name="cancellationToken">Ends the work between two nodes.</param>
    /// <returns>The values of <see cref="Outputs"/>.</returns>
    public IReadOnlyDictionary<Node, FloatTensor> Run(
        IReadOnlyDictionary<Node, FloatTensor> inputs,
        IReadOnlyDictionary<string, FloatTensor> weights,
        INodeEvaluator evaluator,
        CancellationToken cancellationToken = default)
    {
        var values = Inputs.ToDictionary(input => input, input => inputs[input]);
        foreach (Node node in Nodes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            FloatTensor[] operands = [.. node.Inputs.Select(input => values[input])];
            values.Add(
                node, evaluator.Evaluate(node, operands, [.. node.ParameterNames.Select(name => weights[name])]));
            foreach (Node input in node.Inputs)
            {
                if (_lastUse[input] == node && !Outputs.Contains(input))
                    values.Remove(input);
            }
        }
        return Outputs.ToDictionary(
            output => output, output => values.TryGetValue(output, out FloatTensor? value) ? value : inputs[output]);
    }
}
