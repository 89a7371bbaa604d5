using System.Numerics.Tensors;

namespace Bitis.Operators;

/// <summary>The product of two tensors: the gate of a Mamba block.</summary>
public sealed record Multiply : ElementwiseBinary
{
    /// <inheritdoc />
    public override string Kind => "multiply";

    /// <inheritdoc />
    public override void Apply(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> result) =>
        TensorPrimitives.Multiply(left, right, result);
}
