using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Elementwise;

/// <summary>Multiplies by a constant; Vim halves the sum of its two directions.</summary>
/// <param name="Factor">The constant.</param>
internal sealed record Scale(float Factor) : ElementwiseUnary
{
    /// <inheritdoc />
    public override string Kind => "scale";

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) => float.IsFinite(Factor)
        ? base.OutputShape(inputs)
        : throw new ArgumentException(
            $"{Kind} cannot have {Factor} as factor: expected a finite number.", nameof(inputs));

    /// <inheritdoc />
    public override float Apply(float x) => x * Factor;
}
