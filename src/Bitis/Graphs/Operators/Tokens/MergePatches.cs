using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Tokens;

/// <summary>
/// Puts four neighbouring tokens of a grid side by side in one (the first half of Swin's patch merging).
/// </summary>
/// <remarks>
/// <c>[height·width, channels]</c> becomes <c>[⌈height/2⌉·⌈width/2⌉, 4·channels]</c>. The order is upper left, lower
/// left, upper right, lower right. Zeros stand for tokens beyond the grid's end.
/// </remarks>
/// <param name="Height">Rows of the input's grid.</param>
/// <param name="Width">Columns of the input's grid.</param>
internal sealed record MergePatches(int Height, int Width) : Operator
{
    /// <summary>How many tokens become one.</summary>
    public const int Parts = 4;

    /// <inheritdoc />
    public override string Kind => "merge_patches";

    /// <summary>Columns of the output's grid.</summary>
    private int OutWidth => (Width + 1) / 2;

    /// <inheritdoc />
    internal override TokenPlaces? PlaceTokens(
        IReadOnlyList<(Shape Shape, TokenPlaces? Places)> inputs, Shape output) =>
        TokenPlaces.Grid((Height + 1) / 2, OutWidth);

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("height", Height, 1, MaxSide);
        RequireSetting("width", Width, 1, MaxSide);
        Require(
            inputs.Length == 1 && inputs[0].Rank == 2 && inputs[0][0] == Height * Width, inputs,
            $"[{Height * Width}, channels]");
        return [(Height + 1) / 2 * OutWidth, SizeProduct(Parts, inputs[0][1])];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, height·width, channels]
        int batch = x.Shape[0], channels = x.Shape[2], tokens = (Height + 1) / 2 * OutWidth;
        var y = new FloatTensor([batch, tokens, Parts * channels]);
        for (int row = 0; row < batch * tokens; row++)
        {
            for (int part = 0; part < Parts; part++)
            {
                if (Source(row % tokens, part) is { } source)
                {
                    x.Span.Slice(
                        (row / tokens * Height * Width + source) * channels,
                        channels).CopyTo(y.Span[((row * Parts + part) * channels)..]);
                }
            }
        }
        return y;
    }

    /// <summary>
    /// The input's token that becomes a part of an output's token, or null if it is outside the grid.
    /// </summary>
    public int? Source(int token, int part)
    {
        int row = token / OutWidth * 2 + part % 2, column = token % OutWidth * 2 + part / 2;
        return row < Height && column < Width ? row * Width + column : null;
    }
}
