using Bitis.Graphs;

namespace Bitis.Reconstruction;

/// <summary>A quantized operator of a block, some of whose numbers are learned.</summary>
internal interface ILearnedOperator
{
    /// <summary>The operator's node.</summary>
    Node Node { get; }

    /// <summary>What is learned, with the gradients of the last step; nothing if the operator stays as it is.</summary>
    IReadOnlyList<LearnedValues> Learned { get; }
}
