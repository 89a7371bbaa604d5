namespace Bitis.Graphs.Fusion;

/// <summary>An interpolation of a grid and the sum after it, as from level to level of a pyramid.</summary>
/// <param name="Resize">The interpolation.</param>
/// <param name="Sum">The sum with another value.</param>
internal sealed record FusedResizeSum(Node Resize, Node Sum) : FusedOperation([Resize, Sum], [Sum])
{
    /// <inheritdoc />
    public override Node Main => Sum;
}
