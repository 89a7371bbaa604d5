using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Tokens;

/// <summary>
/// Turns a map into tokens in row-major order: <c>[channels, height, width]</c> to <c>[height·width, channels]</c>.
/// </summary>
internal sealed record FlattenSpatial : Operator
{
    /// <inheritdoc />
    public override string Kind => "flatten_spatial";

    /// <inheritdoc />
    internal override GridLayout PlaceOnGrid(IReadOnlyList<(Shape Shape, GridLayout Layout)> inputs, int rows) =>
        GridLayout.Grid(inputs[0].Shape[1], inputs[0].Shape[2]);

    /// <inheritdoc />
    internal override TokenPlaces? PlaceTokens(
        IReadOnlyList<(Shape Shape, TokenPlaces? Places)> inputs, Shape output) =>
        TokenPlaces.Grid(inputs[0].Shape[1], inputs[0].Shape[2]);

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Require(inputs.Length == 1 && inputs[0].Rank == 3, inputs, "[channels, height, width]");
        return [SizeProduct(inputs[0][1], inputs[0][2]), inputs[0][0]];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, channels, height, width]
        int batch = x.Shape[0], channels = x.Shape[1], tokens = x.Shape[2] * x.Shape[3];
        FloatTensor y = FloatTensor.Uninitialized([batch, tokens, channels]);
        for (int b = 0; b < batch; b++)
        {
            int image = b * channels * tokens;
            for (int t = 0; t < tokens; t++)
            {
                for (int c = 0; c < channels; c++)
                    y.Span[image + t * channels + c] = x.Span[image + c * tokens + t];
            }
        }
        return y;
    }
}
