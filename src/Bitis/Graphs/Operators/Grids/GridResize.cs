using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Grids;

/// <summary>Bilinear interpolation of a grid of tokens to another size.</summary>
/// <remarks>
/// <c>[height·width, channels]</c> becomes <c>[outHeight·outWidth, channels]</c>. Pixels are squares whose corners are
/// not aligned (PyTorch's <c>align_corners=False</c>). There is no filter against aliasing where the grid shrinks.
/// </remarks>
/// <param name="Height">Rows of the input's grid.</param>
/// <param name="Width">Columns of the input's grid.</param>
/// <param name="OutHeight">Rows of the output's grid.</param>
/// <param name="OutWidth">Columns of the output's grid.</param>
internal sealed record GridResize(int Height, int Width, int OutHeight, int OutWidth) : Operator
{
    /// <inheritdoc />
    public override string Kind => "grid_resize";

    /// <inheritdoc />
    internal override GridLayout PlaceOnGrid(IReadOnlyList<(Shape Shape, GridLayout Layout)> inputs, int rows) =>
        GridLayout.Grid(OutHeight, OutWidth);

    /// <inheritdoc />
    internal override TokenPlaces? PlaceTokens(
        IReadOnlyList<(Shape Shape, TokenPlaces? Places)> inputs, Shape output) =>
        TokenPlaces.Grid(OutHeight, OutWidth);

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("height", Height, 1, MaxSide);
        RequireSetting("width", Width, 1, MaxSide);
        RequireSetting("output height", OutHeight, 1, MaxSide);
        RequireSetting("output width", OutWidth, 1, MaxSide);
        bool fits = inputs.Length == 1 && inputs[0].Rank == 2 && inputs[0][0] == Height * Width;
        Require(fits, inputs, $"[{Height * Width}, channels]");
        return [OutHeight * OutWidth, inputs[0][1]];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, height·width, channels]
        int batch = x.Shape[0], channels = x.Shape[2], places = OutHeight * OutWidth;
        FloatTensor y = FloatTensor.Uninitialized([batch, places, channels]);
        for (int i = 0; i < y.Length; i++)
        {
            (int image, int place, int channel) = (i / channels / places, i / channels % places, i % channels);
            (int top, int bottom, double low) = Source(place / OutWidth, Height, OutHeight);
            (int left, int right, double far) = Source(place % OutWidth, Width, OutWidth);
            double upper = (1 - far) * At(top, left) + far * At(top, right);
            double lower = (1 - far) * At(bottom, left) + far * At(bottom, right);
            y.Span[i] = (float)((1 - low) * upper + low * lower);

            double At(int row, int column) => x.Span[((image * Height + row) * Width + column) * channels + channel];
        }
        return y;
    }

    /// <summary>The two rows or columns between which one of the output lies, and the second one's share.</summary>
    /// <param name="index">The row or column of the output.</param>
    /// <param name="size">The input's height or width.</param>
    /// <param name="outSize">The output's.</param>
    public static (int First, int Second, double Share) Source(int index, int size, int outSize)
    {
        double place = Math.Max((index + 0.5) * size / outSize - 0.5, 0);
        int first = Math.Min((int)place, size - 1);
        return (first, Math.Min(first + 1, size - 1), place - first);
    }
}
