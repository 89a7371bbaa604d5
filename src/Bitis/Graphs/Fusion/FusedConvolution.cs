namespace Bitis.Graphs.Fusion;

/// <summary>A depthwise convolution along the tokens or over their grid, with the SiLU after it.</summary>
/// <remarks>It also writes copies of its output in other orders.</remarks>
/// <param name="Convolution">The convolution.</param>
/// <param name="Silu">The SiLU; null if there is none.</param>
/// <param name="Copies">The arrangements of the output that the operation writes as well.</param>
internal sealed record FusedConvolution(Node Convolution, Node? Silu, IReadOnlyList<Node> Copies)
    : FusedOperation(
        Silu is null ? [Convolution, .. Copies] : [Convolution, Silu, .. Copies], [Silu ?? Convolution, .. Copies])
{
    /// <summary>The output in its own order.</summary>
    public Node Output => Silu ?? Convolution;

    /// <inheritdoc />
    public override Node Main => Output;
}
