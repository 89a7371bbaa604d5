using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Tokens;

/// <summary>One token of the sequence, the class token: <c>[tokens, channels]</c> to <c>[channels]</c>.</summary>
/// <param name="Position">The token's index.</param>
internal sealed record SelectToken(int Position) : Operator
{
    /// <inheritdoc />
    public override string Kind => "select_token";

    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Invariant;

    /// <inheritdoc />
    internal override GridLayout PlaceOnGrid(IReadOnlyList<(Shape Shape, GridLayout Layout)> inputs, int rows) =>
        GridLayout.None(rows);

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("position", Position, 0);
        Require(
            inputs.Length == 1 && inputs[0].Rank == 2 && Position < inputs[0][0],
            inputs,
            $"[more than {Position} tokens, channels]");
        return [inputs[0][1]];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, tokens, channels]
        int batch = x.Shape[0], tokens = x.Shape[1], channels = x.Shape[2];
        FloatTensor y = FloatTensor.Uninitialized([batch, channels]);
        for (int b = 0; b < batch; b++)
            x.Span.Slice((b * tokens + Position) * channels, channels).CopyTo(y.Span[(b * channels)..]);
        return y;
    }
}
