using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;

namespace Bitis.Gpu.Plans.Patterns;

/// <summary>The operations of a Vim block from x and z to the gated sum of both directions.</summary>
/// <param name="Gate">The gate, which comes last.</param>
/// <param name="Input">The value of which x and z are slices.</param>
/// <param name="Forward">The direction from the first token on.</param>
/// <param name="Backward">The direction from the last token on.</param>
internal sealed record VimMixer(
    FusedGate Gate, Node Input, VimMixer.Direction Forward, VimMixer.Direction Backward)
{
    /// <summary>What the sum of the directions is multiplied by.</summary>
    public float OutputScale => Gate.Scale is { } node ? ((Scale)node.Operator).Factor : 1;

    /// <summary>All operations but the gate, which kernels of the gate compute, too.</summary>
    public IEnumerable<FusedOperation> Inner => [.. Forward.Operations, .. Backward.Operations];

    /// <summary>Finds the operations before a gate; null if they are others.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="gate">The gate.</param>
    public static VimMixer? Find(FusedGraph graph, FusedGate gate)
    {
        if (graph.ProducerOf(gate.Values) is not FusedScan { Sum: not null, Other: { } other } last
            || graph.ProducerOf(other) is not FusedScan { Sum: null } first
            || graph.ProducerOf(gate.Gate) is not ValueView { FirstChannel: > 0 } z)
        {
            return null;
        }
        Direction? forward = Direction.Find(graph, first), backward = Direction.Find(graph, last);
        if (forward is not { IsReversed: false } || backward is not { IsReversed: true }
            || forward.Input != backward.Input)
        {
            return null;
        }
        bool fits = graph.ProducerOf(forward.Input) is ValueView { FirstChannel: 0 } x
            && x.Node.Inputs[0] == z.Node.Inputs[0] && z.FirstChannel == x.EndChannel
            && forward.HasFormOf(backward);
        return fits ? new VimMixer(gate, z.Node.Inputs[0], forward, backward) : null;
    }

    /// <summary>One direction: convolution, projections and scan.</summary>
    /// <param name="Input">x, in its natural order.</param>
    /// <param name="IsReversed">Whether it begins with the last token.</param>
    /// <param name="Convolution">The convolution.</param>
    /// <param name="Branch">The projections and the scan.</param>
    internal sealed record Direction(Node Input, bool IsReversed, FusedConvolution Convolution, ScanBranch Branch)
    {
        /// <summary>All operations of the direction but views.</summary>
        public IEnumerable<FusedOperation> Operations { get; private init; } = [];

        /// <summary>K.</summary>
        public int Taps => ((CausalConv1d)Convolution.Convolution.Operator).KernelSize;

        /// <summary>Finds the operations before a scan; null if they are others.</summary>
        public static Direction? Find(FusedGraph graph, FusedScan scan)
        {
            if (ScanBranch.Find(graph, scan) is not { } branch
                || graph.ProducerOf(branch.U) is not FusedConvolution
                {
                    Silu: not null, Copies: [], Convolution.Operator: CausalConv1d,
                } convolution)
            {
                return null;
            }
            Node x = convolution.Convolution.Inputs[0];
            bool isReversed = graph.ProducerOf(x) is ValueView { Reverses: true };
            return new Direction(isReversed ? x.Inputs[0] : x, isReversed, convolution, branch)
            {
                Operations = [
                    convolution, graph.ProducerOf(branch.Parameters)!, graph.ProducerOf(branch.Delta)!, scan],
            };
        }

        /// <summary>Whether one kernel can compute this direction and another one.</summary>
        public bool HasFormOf(Direction other) =>
            Branch.States == other.Branch.States && Branch.Rank == other.Branch.Rank && Taps == other.Taps;
    }
}
