namespace Bitis.Graphs.Operators.Elementwise;

/// <summary>The logistic function: <c>σ(x) = 1 / (1 + e^−x)</c>.</summary>
internal sealed record Sigmoid : ElementwiseUnary
{
    /// <inheritdoc />
    public override string Kind => "sigmoid";

    /// <inheritdoc />
    public override float Apply(float x) => (float)(1 / (1 + Math.Exp(-x)));
}
