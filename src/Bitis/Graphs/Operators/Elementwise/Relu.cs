namespace Bitis.Graphs.Operators.Elementwise;

/// <summary>The rectifier: <c>max(x, 0)</c>.</summary>
internal sealed record Relu : ElementwiseUnary
{
    /// <inheritdoc />
    public override string Kind => "relu";

    /// <inheritdoc />
    public override float Apply(float x) => Math.Max(x, 0);
}
