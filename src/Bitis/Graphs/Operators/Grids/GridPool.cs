using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Grids;

/// <summary>Adaptive average pooling of a grid of tokens to a square of bins.</summary>
/// <remarks>
/// <c>[height·width, channels]</c> becomes <c>[bins², channels]</c>. Bin i covers the rows from <c>⌊i·height/bins⌋</c>
/// to before <c>⌈(i + 1)·height/bins⌉</c>, and so for columns. Bins overlap where they do not divide the grid.
/// </remarks>
/// <param name="Height">Rows of the input's grid.</param>
/// <param name="Width">Columns of the input's grid.</param>
/// <param name="Bins">Rows and columns of the output's grid.</param>
internal sealed record GridPool(int Height, int Width, int Bins) : Operator
{
    /// <inheritdoc />
    public override string Kind => "grid_pool";

    /// <inheritdoc />
    internal override GridLayout PlaceOnGrid(IReadOnlyList<(Shape Shape, GridLayout Layout)> inputs, int rows) =>
        GridLayout.Grid(Bins, Bins);

    /// <inheritdoc />
    internal override TokenPlaces? PlaceTokens(
        IReadOnlyList<(Shape Shape, TokenPlaces? Places)> inputs, Shape output) =>
        TokenPlaces.Grid(Bins, Bins);

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("height", Height, 1, MaxSide);
        RequireSetting("width", Width, 1, MaxSide);
        RequireSetting("bins", Bins, 1, MaxSide);
        bool fits = inputs.Length == 1 && inputs[0].Rank == 2 && inputs[0][0] == Height * Width;
        Require(fits, inputs, $"[{Height * Width}, channels]");
        return [Bins * Bins, inputs[0][1]];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, height·width, channels]
        int batch = x.Shape[0], channels = x.Shape[2], bins = Bins * Bins;
        FloatTensor y = FloatTensor.Uninitialized([batch, bins, channels]);
        for (int i = 0; i < y.Length; i++)
        {
            (int image, int bin, int channel) = (i / channels / bins, i / channels % bins, i % channels);
            (int top, int bottom) = Range(bin / Bins, Height);
            (int left, int right) = Range(bin % Bins, Width);
            double sum = 0;
            for (int row = top; row < bottom; row++)
            {
                for (int column = left; column < right; column++)
                    sum += x.Span[((image * Height + row) * Width + column) * channels + channel];
            }
            y.Span[i] = (float)(sum / ((bottom - top) * (right - left)));
        }
        return y;
    }

    /// <summary>The rows or columns that a bin covers: the first, and the one after the last.</summary>
    /// <param name="bin">The bin's row or column.</param>
    /// <param name="size">The grid's height or width.</param>
    public (int Start, int End) Range(int bin, int size) =>
        ((int)((long)bin * size / Bins), (int)(((bin + 1L) * size + Bins - 1) / Bins));
}
