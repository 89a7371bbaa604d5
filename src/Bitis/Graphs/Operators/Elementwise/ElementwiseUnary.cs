using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Elementwise;

/// <summary>An operator that applies a function to each element.</summary>
internal abstract record ElementwiseUnary : Operator
{
    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Equivariant;

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Require(inputs.Length == 1, inputs, "one input");
        return inputs[0];
    }

    /// <inheritdoc />
    public sealed override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor y = FloatTensor.Uninitialized(inputs[0].Shape);
        ReadOnlySpan<float> x = inputs[0].Span;
        for (int i = 0; i < x.Length; i++)
            y.Span[i] = Apply(x[i]);
        return y;
    }

    /// <summary>The function of one element.</summary>
    public abstract float Apply(float x);
}
