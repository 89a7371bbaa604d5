using Bitis.Execution.Gradients;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;

namespace Bitis.Reconstruction;

/// <summary>A quantized operator of a block with numbers that are learned.</summary>
internal interface ILearnedOperator
{
    /// <summary>The operator's node.</summary>
    Node Node { get; }

    /// <summary>All nodes that it computes: the operator's own, and those before it that it includes.</summary>
    IReadOnlyList<Node> Nodes { get; }

    /// <summary>Creates the form of an operation in which numbers are learned.</summary>
    /// <param name="operation">The operation that the node belongs to, in the graph that is run.</param>
    /// <exception cref="NotSupportedException">The operation has no such form; the message names the node.</exception>
    OperationGradient CreateStep(FusedOperation operation);

    /// <summary>
    /// The learned numbers, with the gradients of the last step; empty if the operator does not change.
    /// </summary>
    IReadOnlyList<LearnedValues> Learned { get; }
}
