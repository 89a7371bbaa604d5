using System.Numerics.Tensors;

namespace Bitis.Graphs.Operators.Elementwise;

/// <summary>The sum of two tensors: residual streams, and the two directions of a Vim block.</summary>
internal sealed record Add : ElementwiseBinary
{
    /// <inheritdoc />
    public override string Kind => "add";

    /// <inheritdoc />
    internal override bool IsSum => true;

    /// <inheritdoc />
    internal override bool TakesIndexMap(int input) => input == 1;

    /// <inheritdoc />
    public override void Apply(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> result) =>
        TensorPrimitives.Add(left, right, result);
}
