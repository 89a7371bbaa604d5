using Bitis.Gpu.Plans.Steps;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Gpu.Plans.Patterns;

/// <summary>Scans of one value in different orders, which are launched together.</summary>
/// <remarks>
/// <code>
///   VMamba        u ─► [order] ─► x_proj, dt_proj, scan ─► [order back] ─► sum of all four directions
///   LocalVMamba   u ─► [order] ─► x_proj, dt_proj, scan ─► [order back]        each direction for itself
///   LocalVim      x ─► [order] ─► convolution, x_proj, dt_proj, scan ─► [order back] ─► times SiLU(z)
/// </code>
/// Orders are tables of rows that kernels read and write, so no arrangement is computed.
/// </remarks>
internal sealed class ScanGroup
{
    /// <summary>The value that all directions read: u, or the input of their convolutions.</summary>
    public required Node Source { get; init; }

    /// <summary>The directions.</summary>
    public required IReadOnlyList<Member> Members { get; init; }

    /// <summary>What the directions' outputs become.</summary>
    public required IReadOnlyList<Root> Roots { get; init; }

    /// <summary>z, of whose SiLU outputs are multiples; null for none.</summary>
    public required Node? Gate { get; init; }

    /// <summary>The operations that the group computes.</summary>
    public IReadOnlyList<FusedOperation> Inner { get; private set; } = [];

    /// <summary>The first direction, whose sizes all have.</summary>
    public ScanBranch First => Members[0].Branch;

    /// <summary>Whether directions have convolutions of their own.</summary>
    public bool HasConvolutions => Members[0].Convolution is not null;

    /// <summary>The steps of the longest direction.</summary>
    public int Steps => Members.Max(member => member.Branch.Steps);

    /// <summary>For each direction and step, the source's row, −1 for zeros.</summary>
    public int[] Rows => [.. Members.SelectMany(member => Filled(member.Rows))];

    /// <summary>For each direction and step, the output's row, −1 for none.</summary>
    public int[] Targets => [.. Members.SelectMany(member => Filled(member.Targets))];

    /// <summary>Finds all groups of a model.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="taken">Operations that belong to other patterns.</param>
    public static IReadOnlyList<ScanGroup> FindAll(FusedGraph graph, HashSet<FusedOperation> taken)
    {
        var outputs = new ScanOutputs(graph, taken);
        var groups = new List<ScanGroup>();
        foreach (IGrouping<object, ScanOutputs.Output> found in outputs.Roots.GroupBy(root => root.Key))
        {
            ScanOutputs.Output[] roots = [.. found];
            int directions = roots.Sum(root => root.Leaves.Count);
            IEnumerable<ScanOutputs.Output[]> parts = directions % 2 == 0 || roots.Length == 1
                ? [roots]
                : roots.Chunk(1);
            foreach (ScanOutputs.Output[] part in parts)
                groups.Add(Create(graph, part));
        }
        return groups;
    }

    /// <summary>The direction of a member in the order of memory.</summary>
    /// <param name="index">The member.</param>
    /// <param name="rows">The rows of its input.</param>
    public RowTokens TokensOf(int index, int rows) => HasConvolutions
        ? RowTokens.Natural
        : RowTokens.Inverse(Members[index].Rows, rows);

    private static ScanGroup Create(FusedGraph graph, ScanOutputs.Output[] outputs)
    {
        var members = new List<Member>();
        var roots = new List<Root>();
        foreach (ScanOutputs.Output output in outputs)
        {
            roots.Add(new Root(output.Node, [.. Enumerable.Range(members.Count, output.Leaves.Count)]));
            foreach ((ScanOutputs.Input input, int[] sources) in output.Leaves)
            {
                var targets = new int[input.Branch.Steps];
                Array.Fill(targets, -1);
                for (int row = 0; row < sources.Length; row++)
                {
                    if (sources[row] >= 0)
                        targets[sources[row]] = row;
                }
                members.Add(new Member(input.Branch, input.Convolution, input.Rows, targets));
            }
        }
        var group = new ScanGroup
        {
            Source = outputs[0].Leaves[0].Input.Source,
            Members = members,
            Roots = roots,
            Gate = outputs[0].Gate,
        };
        group.Inner = group.FindInner(graph);
        return group;
    }

    /// <summary>The operations all of whose values nothing else reads.</summary>
    private List<FusedOperation> FindInner(FusedGraph graph)
    {
        ILookup<Node, Node> users = graph.Graph.Nodes.SelectMany(
            node => node.Inputs, (user, used) => (user, used)).ToLookup(pair => pair.used, pair => pair.user);
        HashSet<Node> inner = [.. Roots.Select(root => root.Node)];
        foreach (Member member in Members)
        {
            inner.UnionWith(member.Branch.Scan.Nodes);
            inner.UnionWith([member.Branch.Parameters, member.Branch.Delta]);
            inner.UnionWith(member.Convolution?.Nodes ?? []);
        }
        foreach (Node node in graph.Graph.Nodes.Reverse().Where(node => node != graph.Graph.Output))
        {
            bool isPart = node.Operator is ReverseTokens or ArrangeTokens or Add or Silu or Multiply;
            if (isPart && node != Source && users[node].Any() && users[node].All(inner.Contains))
                inner.Add(node);
        }
        return [.. graph.Operations.Where(operation => operation.Nodes.All(inner.Contains))];
    }

    private int[] Filled(int[] rows) => [.. rows, .. Enumerable.Repeat(-1, Steps - rows.Length)];

    /// <summary>A direction.</summary>
    /// <param name="Branch">Its projections and scan.</param>
    /// <param name="Convolution">Its convolution; null for none.</param>
    /// <param name="Rows">The source's row of each step, −1 for zeros.</param>
    /// <param name="Targets">The output's row of each step, −1 for none.</param>
    internal sealed record Member(ScanBranch Branch, FusedConvolution? Convolution, int[] Rows, int[] Targets);

    /// <summary>A value of the group that others read.</summary>
    /// <param name="Node">The value.</param>
    /// <param name="Members">The directions whose sum it is.</param>
    internal sealed record Root(Node Node, IReadOnlyList<int> Members);
}
