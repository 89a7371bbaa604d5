using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Tokens;

/// <summary>The tokens in the opposite order, as the backward direction of a scan sees them.</summary>
internal sealed record ReverseTokens : Operator
{
    /// <inheritdoc />
    public override string Kind => "reverse_tokens";

    /// <inheritdoc />
    internal override TokenPlaces? PlaceTokens(
        IReadOnlyList<(Shape Shape, TokenPlaces? Places)> inputs, Shape output) =>
        inputs[0].Places is { } places
            ? places with { Places = [.. places.Places.Reverse()] }
            : null;

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Require(inputs.Length == 1 && inputs[0].Rank == 2, inputs, "[tokens, channels]");
        return inputs[0];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, tokens, channels]
        int batch = x.Shape[0], tokens = x.Shape[1], channels = x.Shape[2];
        FloatTensor y = FloatTensor.Uninitialized(x.Shape);
        for (int b = 0; b < batch; b++)
        {
            for (int t = 0; t < tokens; t++)
            {
                int source = (b * tokens + t) * channels, target = (b * tokens + tokens - 1 - t) * channels;
                x.Span.Slice(source, channels).CopyTo(y.Span[target..]);
            }
        }
        return y;
    }
}
