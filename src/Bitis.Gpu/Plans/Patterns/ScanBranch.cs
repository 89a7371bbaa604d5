using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Gpu.Plans.Patterns;

/// <summary>One direction of a block: the projections to Δ's input, B and C, the one to Δ, and the scan.</summary>
/// <param name="Scan">The scan, with its softplus.</param>
/// <param name="U">Its input.</param>
/// <param name="Parameters">The projection to Δ's input, B and C.</param>
/// <param name="Delta">The projection to Δ.</param>
internal sealed record ScanBranch(FusedScan Scan, Node U, Node Parameters, Node Delta)
{
    /// <summary>N.</summary>
    public int States => ((SelectiveScan)Scan.Scan.Operator).States;

    /// <summary>R.</summary>
    public int Rank => ((Linear)Delta.Operator).InFeatures;

    /// <summary>L, the steps.</summary>
    public int Steps => U.Shape[0];

    /// <summary>Finds the operations before a scan; null if they are others.</summary>
    public static ScanBranch? Find(FusedGraph graph, FusedScan scan)
    {
        IReadOnlyList<Node> inputs = scan.Scan.Inputs;
        if (scan.Softplus is null
            || graph.ProducerOf(scan.Delta) is not SingleOperator { Node: { Operator: Linear { HasBias: true } } delta }
            || graph.OnlyReaderOf(delta) is null
            || graph.ProducerOf(delta.Inputs[0]) is not ValueView { FirstChannel: 0 } rank
            || graph.ProducerOf(rank.Node.Inputs[0]) is not SingleOperator
            {
                Node: { Operator: Linear { HasBias: false } } source,
            }
            || source.Inputs[0] != inputs[0])
        {
            return null;
        }
        bool areSlices = graph.ProducerOf(inputs[2]) is ValueView b && b.Node.Inputs[0] == source
            && b.FirstChannel == rank.EndChannel && graph.ProducerOf(inputs[3]) is ValueView c
            && c.Node.Inputs[0] == source && c.FirstChannel == b.EndChannel && c.EndChannel == source.Shape[^1]
            && graph.ReadersOf(source).All(reader => reader == rank || reader == b || reader == c);
        return areSlices ? new ScanBranch(scan, inputs[0], source, delta) : null;
    }

    /// <summary>The value of which a value is an arrangement, and the row of it for each token, −1 for zeros.</summary>
    public static (Node Source, int[] Rows) Trace(Node node)
    {
        int[] rows = [.. Enumerable.Range(0, node.Shape[0])];
        for (; node.Operator is ReverseTokens or ArrangeTokens; node = node.Inputs[0])
        {
            int tokens = node.Inputs[0].Shape[0];
            IReadOnlyList<int>? sources = (node.Operator as ArrangeTokens)?.Sources;
            rows = [.. rows.Select(row => row < 0 ? -1 : sources is null ? tokens - 1 - row : sources[row])];
        }
        return (node, rows);
    }
}
