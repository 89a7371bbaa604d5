using System.Numerics.Tensors;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Elementwise;

/// <summary>The product of two tensors: the gate of a Mamba block.</summary>
internal sealed record Multiply : ElementwiseBinary
{
    /// <inheritdoc />
    public override string Kind => "multiply";

    /// <inheritdoc />
    internal override bool TakesIndexMap(int input) => input == 0;

    /// <inheritdoc />
    internal override GridLayout PlaceOnGrid(IReadOnlyList<(Shape Shape, GridLayout Layout)> inputs, int rows) =>
        // A value that went through windows has no layout. The other factor, in the grid's order, may have one.
        inputs.Select(input => input.Layout).FirstOrDefault(
            layout => layout.IsGrid && layout.Rows == rows, GridLayout.None(rows));

    /// <inheritdoc />
    public override void Apply(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> result) =>
        TensorPrimitives.Multiply(left, right, result);
}
