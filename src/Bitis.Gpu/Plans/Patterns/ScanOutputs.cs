using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Gpu.Plans.Patterns;

/// <summary>Follows the outputs of scans to what they become: arranged, summed, gated.</summary>
internal sealed class ScanOutputs
{
    private readonly Dictionary<Node, Output> _outputs = [];
    private readonly HashSet<Node> _consumed = [];

    /// <summary>Follows all scans of a model.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="taken">Operations that belong to other patterns.</param>
    public ScanOutputs(FusedGraph graph, HashSet<FusedOperation> taken)
    {
        ILookup<Node, Node> users = graph.Graph.Nodes.SelectMany(
            node => node.Inputs, (user, used) => (user, used)).ToLookup(pair => pair.used, pair => pair.user);
        foreach (FusedScan scan in graph.Operations.OfType<FusedScan>().Where(scan => !taken.Contains(scan)))
        {
            if (Input.Find(graph, scan) is { } input)
                _outputs.Add(scan.Scan, new Output(scan.Scan, [(input, Identity(scan.Scan.Shape[0]))], null));
        }
        foreach (Node node in graph.Graph.Nodes)
        {
            if (Follow(graph, node, users) is { } output)
                _outputs[node] = output;
        }
    }

    /// <summary>The last values, which others than these patterns read.</summary>
    public IEnumerable<Output> Roots => _outputs.Values.Where(
        output => !_consumed.Contains(output.Node) && output.Leaves.All(leaf => IsWhole(leaf.Input.Branch.Scan)));

    private static int[] Identity(int count) => [.. Enumerable.Range(0, count)];

    /// <summary>Whether the sum that a scan is fused with is followed, too.</summary>
    private bool IsWhole(FusedScan scan) => scan.Sum is null || _outputs.ContainsKey(scan.Sum);

    private Output? Follow(FusedGraph graph, Node node, ILookup<Node, Node> users)
    {
        Output[] inputs = [.. node.Inputs.Select(_outputs.GetValueOrDefault).OfType<Output>()];
        if (inputs.Length == 0 || inputs.Any(
            input => input.Node == graph.Graph.Output || users[input.Node].Count() != 1 || input.Gate is not null))
        {
            return null;
        }
        Output first = inputs[0];
        switch (node.Operator)
        {
            case ReverseTokens or ArrangeTokens:
                IReadOnlyList<int>? order = (node.Operator as ArrangeTokens)?.Sources;
                int tokens = node.Inputs[0].Shape[0];
                _consumed.Add(first.Node);
                int[] rows = [.. Identity(node.Shape[0]).Select(row => order is null ? tokens - 1 - row : order[row])];
                return new Output(
                    node,
                    [
                        .. first.Leaves.Select(leaf => (
                            leaf.Input, (int[])[.. rows.Select(row => row < 0 ? -1 : leaf.Sources[row])])),
                    ],
                    null);
            case Add when inputs.Length == 2 && inputs[0] != inputs[1] && first.Key.Equals(inputs[1].Key):
                _consumed.UnionWith(inputs.Select(input => input.Node));
                return new Output(node, [.. first.Leaves, .. inputs[1].Leaves], null);
            case Multiply when first.Leaves.Count == 1 && graph.ProducerOf(node) is SingleOperator
                && node.Inputs.FirstOrDefault(input => input != first.Node) is { Operator: Silu } gate
                && graph.ProducerOf(gate) is SingleOperator && graph.ProducerOf(gate.Inputs[0]) is ValueView:
                _consumed.Add(first.Node);
                return new Output(node, first.Leaves, gate.Inputs[0]);
            default:
                return null;
        }
    }

    /// <summary>A scan and how it reads its source.</summary>
    /// <param name="Branch">The projections and the scan.</param>
    /// <param name="Convolution">The convolution along the tokens before it; null for none.</param>
    /// <param name="Source">The value that is read.</param>
    /// <param name="Rows">The source's row of each step, −1 for zeros.</param>
    internal sealed record Input(ScanBranch Branch, FusedConvolution? Convolution, Node Source, int[] Rows)
    {
        /// <summary>Finds what a scan reads; null if kernels cannot.</summary>
        public static Input? Find(FusedGraph graph, FusedScan scan)
        {
            if (ScanBranch.Find(graph, scan) is not { } branch)
                return null;
            if (graph.ProducerOf(branch.U) is not FusedConvolution
                {
                    Silu: not null, Copies: [], Convolution.Operator: CausalConv1d,
                } convolution)
            {
                (Node source, int[] rows) = ScanBranch.Trace(branch.U);
                return new Input(branch, null, source, rows);
            }
            (Node x, int[] rowsOfX) = ScanBranch.Trace(convolution.Convolution.Inputs[0]);
            bool isRead = graph.ReadersOf(branch.U).All(
                reader => reader == scan || reader == graph.ProducerOf(branch.Parameters));
            return isRead ? new Input(branch, convolution, x, rowsOfX) : null;
        }
    }

    /// <summary>What outputs of scans became.</summary>
    /// <param name="Node">The value.</param>
    /// <param name="Leaves">The scans whose sum it is, and the step for each of its tokens, −1 for zero.</param>
    /// <param name="Gate">z, by whose SiLU it was multiplied; null for none.</param>
    internal sealed record Output(Node Node, IReadOnlyList<(Input Input, int[] Sources)> Leaves, Node? Gate)
    {
        /// <summary>What scans that are launched together have in common.</summary>
        public object Key
        {
            get
            {
                Input input = Leaves[0].Input;
                int taps = input.Convolution is null
                    ? 0
                    : ((CausalConv1d)input.Convolution.Convolution.Operator).KernelSize;
                return (
                    input.Source, Gate, taps, input.Branch.States, input.Branch.Rank, input.Branch.U.Shape[1],
                    Node.Shape[0]);
            }
        }
    }
}
