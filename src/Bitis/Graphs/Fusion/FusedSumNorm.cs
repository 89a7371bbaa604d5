namespace Bitis.Graphs.Fusion;

/// <summary>A sum, the residual stream, and the norm of it.</summary>
/// <param name="Sum">The sum.</param>
/// <param name="Norm">The norm.</param>
internal sealed record FusedSumNorm(Node Sum, Node Norm) : FusedOperation([Sum, Norm], [Sum, Norm])
{
    /// <inheritdoc />
    public override Node Main => Norm;
}
