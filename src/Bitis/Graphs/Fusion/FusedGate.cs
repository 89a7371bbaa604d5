namespace Bitis.Graphs.Fusion;

/// <summary>The gate of a Mamba block, <c>(values · factor) · SiLU(z)</c>.</summary>
/// <param name="Scale">The node that multiplies the values by a factor; null if there is none.</param>
/// <param name="Silu">The SiLU.</param>
/// <param name="Product">The product.</param>
internal sealed record FusedGate(Node? Scale, Node Silu, Node Product)
    : FusedOperation([.. ((Node?[])[Scale, Silu, Product]).OfType<Node>().OrderBy(node => node.Index)], [Product])
{
    /// <inheritdoc />
    public override Node Main => Product;

    /// <summary>The values before the gate.</summary>
    public Node Values => Scale is null ? Product.Inputs.First(input => input != Silu) : Scale.Inputs[0];

    /// <summary>z, the gate's argument.</summary>
    public Node Gate => Silu.Inputs[0];
}
