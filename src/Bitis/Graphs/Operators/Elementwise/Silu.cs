namespace Bitis.Graphs.Operators.Elementwise;

/// <summary>The sigmoid-weighted linear unit: <c>x·σ(x) = x / (1 + e^−x)</c>.</summary>
internal sealed record Silu : ElementwiseUnary
{
    /// <inheritdoc />
    public override string Kind => "silu";

    /// <inheritdoc />
    public override float Apply(float x) => (float)(x / (1 + Math.Exp(-x)));
}
