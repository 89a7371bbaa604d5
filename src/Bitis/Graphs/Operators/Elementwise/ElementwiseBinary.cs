using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Elementwise;

/// <summary>An operator that combines two tensors of one shape, element by element.</summary>
internal abstract record ElementwiseBinary : Operator
{
    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Equivariant;

    /// <inheritdoc />
    public sealed override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Require(inputs.Length == 2 && inputs[0] == inputs[1], inputs, "two inputs of one shape");
        return inputs[0];
    }

    /// <inheritdoc />
    public sealed override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor y = FloatTensor.Uninitialized(inputs[0].Shape);
        Apply(inputs[0].Span, inputs[1].Span, y.Span);
        return y;
    }

    /// <summary>Combines the elements of two spans into a third; all three have one length.</summary>
    public abstract void Apply(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> result);
}
