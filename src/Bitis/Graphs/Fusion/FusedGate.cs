namespace Bitis.Graphs.Fusion;

/// <summary>The gate of a Mamba block, <c>(values · factor) · SiLU(z)</c>.</summary>
/// <param name="Scale">What multiplies the values by a factor; null for nothing.</param>
/// <param name="Silu">The SiLU.</param>
/// <param name="Product">The product.</param>
internal sealed record FusedGate(Node? Scale, Node Silu, Node Product)
    : FusedOperation([.. ((Node?[])[Scale, Silu, Product]).OfType<Node>().OrderBy(node => node.Index)], [Product])
{
    /// <inheritdoc />
    public override Node Main => Product;

    /// <summary>What is gated.</summary>
    public Node Values => Scale is null ? Product.Inputs.First(input => input != Silu) : Scale.Inputs[0];

    /// <summary>z, what it is gated with.</summary>
    public Node Gate => Silu.Inputs[0];
}
