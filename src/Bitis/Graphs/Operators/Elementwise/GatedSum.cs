using System.Numerics.Tensors;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Elementwise;

/// <summary>
/// The sum of several sequences, each with a gate of its own for every channel: <c>y[t] = Σₖ g[k] · xₖ[t]</c>.
/// </summary>
/// <remarks>
/// Inputs: the gates <c>[sequences, channels]</c>, then the sequences, each <c>[tokens, channels]</c>.
/// </remarks>
internal sealed record GatedSum : Operator
{
    /// <inheritdoc />
    public override string Kind => "gated_sum";

    /// <inheritdoc />
    internal override bool TakesIndexMap(int input) => input > 0;

    /// <inheritdoc />
    internal override GridLayout PlaceOnGrid(IReadOnlyList<(Shape Shape, GridLayout Layout)> inputs, int rows) =>
        // A value that went through windows has no layout. The other terms, in the grid's order, may have one.
        inputs.Select(input => input.Layout).FirstOrDefault(
            layout => layout.IsGrid && layout.Rows == rows, GridLayout.None(rows));

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        bool fits = inputs.Length > 1 && inputs[1].Rank == 2 && inputs[0] == [inputs.Length - 1, inputs[1][1]];
        for (int i = 2; i < inputs.Length; i++)
            fits &= inputs[i] == inputs[1];
        Require(fits, inputs, "[sequences, channels] and as many sequences [tokens, channels]");
        return inputs[1];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        int batch = inputs[1].Shape[0], tokens = inputs[1].Shape[1], channels = inputs[1].Shape[2],
            sequences = inputs.Length - 1;
        FloatTensor y = FloatTensor.Uninitialized(inputs[1].Shape);
        for (int row = 0; row < batch * tokens; row++)
        {
            for (int k = 0; k < sequences; k++)
            {
                ReadOnlySpan<float> gate = inputs[0].Span.Slice((row / tokens * sequences + k) * channels, channels);
                AddGated(
                    inputs[k + 1].Span.Slice(row * channels, channels), gate, y.Span.Slice(row * channels, channels),
                    isFirst: k == 0);
            }
        }
        return y;
    }

    /// <summary>Adds one sequence's token to the sum, or starts the sum with it.</summary>
    /// <param name="x">The token.</param>
    /// <param name="gate">The sequence's gate.</param>
    /// <param name="sum">The sum.</param>
    /// <param name="isFirst">Whether it is the first sequence.</param>
    internal static void AddGated(ReadOnlySpan<float> x, ReadOnlySpan<float> gate, Span<float> sum, bool isFirst)
    {
        if (isFirst)
            TensorPrimitives.Multiply(x, gate, sum);
        else
            TensorPrimitives.MultiplyAdd(x, gate, sum, sum);
    }
}
