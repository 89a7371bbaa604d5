namespace Bitis.Graphs.Fusion;

/// <summary>
/// A selective scan with the softplus before its Δ, and, where it adds to another value, the sum after it.
/// </summary>
/// <param name="Scan">The scan.</param>
/// <param name="Softplus">The softplus; null if there is none.</param>
/// <param name="Reversal">The reversal of the scan's output before the sum; null without a sum.</param>
/// <param name="Sum">The sum; null without one.</param>
internal sealed record FusedScan(Node Scan, Node? Softplus, Node? Reversal, Node? Sum)
    : FusedOperation([.. ((Node?[])[Softplus, Scan, Reversal, Sum]).OfType<Node>()], [Sum ?? Scan])
{
    /// <inheritdoc />
    public override Node Main => Scan;

    /// <summary>Δ before the softplus; Δ itself without a softplus.</summary>
    public Node Delta => Softplus is null ? Scan.Inputs[1] : Softplus.Inputs[0];

    /// <summary>The other term of the sum; null without a sum.</summary>
    public Node? Other => Sum?.Inputs.Single(input => input != Reversal);
}
