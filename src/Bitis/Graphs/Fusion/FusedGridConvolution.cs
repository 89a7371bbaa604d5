namespace Bitis.Graphs.Fusion;

/// <summary>A convolution over a grid, with the concatenation before it and the ReLU after it.</summary>
/// <param name="Concat">The concatenation, whose inputs the convolution reads; null if there is none.</param>
/// <param name="Convolution">The convolution.</param>
/// <param name="Relu">The ReLU; null if there is none.</param>
internal sealed record FusedGridConvolution(Node? Concat, Node Convolution, Node? Relu)
    : FusedOperation([.. ((Node?[])[Concat, Convolution, Relu]).OfType<Node>()], [Relu ?? Convolution])
{
    /// <inheritdoc />
    public override Node Main => Convolution;
}
