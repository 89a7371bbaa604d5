using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;

namespace Bitis.Gpu.Plans;

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
    /// <param name="Parameters">The projection to Δ's input, B and C.</param>
    /// <param name="Delta">The projection to Δ.</param>
    /// <param name="Scan">The scan.</param>
    internal sealed record Direction(
        Node Input, bool IsReversed, FusedConvolution Convolution, Node Parameters, Node Delta, FusedScan Scan)
    {
        /// <summary>All operations of the direction but views.</summary>
        public IEnumerable<FusedOperation> Operations { get; private init; } = [];

        /// <summary>N.</summary>
        public int States => ((SelectiveScan)Scan.Scan.Operator).States;

        /// <summary>R.</summary>
        public int Rank => ((Linear)Delta.Operator).InFeatures;

        /// <summary>K.</summary>
        public int Taps => ((CausalConv1d)Convolution.Convolution.Operator).KernelSize;

        /// <summary>Finds the operations before a scan; null if they are others.</summary>
        public static Direction? Find(FusedGraph graph, FusedScan scan)
        {
            IReadOnlyList<Node> inputs = scan.Scan.Inputs;
            if (scan.Softplus is null
                || graph.ProducerOf(inputs[0]) is not FusedConvolution { Silu: not null, Copies: [] } convolution
                || convolution.Convolution.Operator is not CausalConv1d
                || graph.ProducerOf(scan.Delta) is not SingleOperator { Node.Operator: Linear { HasBias: true } } delta
                || graph.ProducerOf(delta.Node.Inputs[0]) is not ValueView { FirstChannel: 0 } rank
                || graph.ProducerOf(rank.Node.Inputs[0]) is not SingleOperator
                {
                    Node.Operator: Linear { HasBias: false },
                } parameters
                || parameters.Node.Inputs[0] != inputs[0])
            {
                return null;
            }
            Node source = parameters.Node;
            bool areSlices = graph.ProducerOf(inputs[2]) is ValueView b && b.Node.Inputs[0] == source
                && b.FirstChannel == rank.EndChannel && graph.ProducerOf(inputs[3]) is ValueView c
                && c.Node.Inputs[0] == source && c.FirstChannel == b.EndChannel && c.EndChannel == source.Shape[^1];
            Node x = convolution.Convolution.Inputs[0];
            bool isReversed = graph.ProducerOf(x) is ValueView { Reverses: true };
            return areSlices
                ? new Direction(isReversed ? x.Inputs[0] : x, isReversed, convolution, source, delta.Node, scan)
                {
                    Operations = [convolution, parameters, delta, scan],
                }
                : null;
        }

        /// <summary>Whether one kernel can compute this direction and another one.</summary>
        public bool HasFormOf(Direction other) =>
            States == other.States && Rank == other.Rank && Taps == other.Taps;
    }
}
