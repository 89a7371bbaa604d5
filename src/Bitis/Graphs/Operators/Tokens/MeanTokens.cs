using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Tokens;

/// <summary>The mean over the tokens: <c>[tokens, channels]</c> to <c>[channels]</c>.</summary>
internal sealed record MeanTokens : Operator
{
    /// <inheritdoc />
    public override string Kind => "mean_tokens";

    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Invariant;

    /// <inheritdoc />
    internal override GridLayout PlaceOnGrid(IReadOnlyList<(Shape Shape, GridLayout Layout)> inputs, int rows) =>
        GridLayout.None(rows);

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Require(inputs.Length == 1 && inputs[0].Rank == 2 && inputs[0][0] > 0, inputs, "[tokens, channels]");
        return [inputs[0][1]];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, tokens, channels]
        int batch = x.Shape[0], tokens = x.Shape[1], channels = x.Shape[2];
        FloatTensor y = FloatTensor.Uninitialized([batch, channels]);
        for (int b = 0; b < batch; b++)
        {
            for (int c = 0; c < channels; c++)
            {
                double sum = 0;
                for (int t = 0; t < tokens; t++)
                    sum += x.Span[(b * tokens + t) * channels + c];
                y.Span[b * channels + c] = (float)(sum / tokens);
            }
        }
        return y;
    }
}
