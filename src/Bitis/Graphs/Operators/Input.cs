using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>The input of a graph: normalized pixels, <c>[channels, height, width]</c>.</summary>
/// <param name="Shape">The shape of one image.</param>
internal sealed record Input(Shape Shape) : Operator
{
    /// <inheritdoc />
    public override string Kind => "input";

    /// <inheritdoc />
    internal override bool IsInput => true;

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Require(inputs.Length == 0, inputs, "no input");
        foreach (int size in Shape)
            RequireSetting("size", size, 1);
        return Shape;
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters) =>
        inputs[0];
}
