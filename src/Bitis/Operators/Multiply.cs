using System.Numerics.Tensors;

namespace Bitis.Operators;

/// <summary>The product of two tensors: the gate of a Mamba block.</summary>
public sealed record Multiply : ElementwiseBinary
{
    /// <inheritdoc />
    public override string Kind => "multiply";

    /// <inheritdoc />
    internal override bool TakesIndexMap(int input) => input == 0;

    /// <inheritdoc />
    public override void Apply(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> result) =>
        TensorPrimitives.Multiply(left, right, result);
}
