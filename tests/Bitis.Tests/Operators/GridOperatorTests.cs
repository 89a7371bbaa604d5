using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Tests.Operators;

/// <summary>Operators over tokens that lie on a grid, against those over maps, and by hand.</summary>
public sealed class GridOperatorTests
{
    [Theory]
    [InlineData(5, 4, 3, 2, 1)]
    [InlineData(4, 6, 3, 1, 1)]
    [InlineData(4, 4, 2, 2, 0)]
    public void A_convolution_over_a_grid_is_that_over_a_map(int height, int width, int kernel, int stride, int padding)
    {
        FloatTensor map = FloatTensor.From([2, 3, height, width], Sample.Floats(1, 6 * height * width));
        FloatTensor[] parameters =
        [
            FloatTensor.From([4, 3, kernel, kernel], Sample.Floats(2, 12 * kernel * kernel)),
            FloatTensor.From([4], Sample.Floats(3, 4)),
        ];
        FloatTensor expected = Flat(
            new Conv2d(3, 4, kernel, stride, padding, HasBias: true).Forward([map], parameters));
        var grid = new GridConv2d(3, 4, height, width, kernel, stride, padding);
        Assert.Equal(expected.Shape.DropFirst(), grid.OutputShape([[height * width, 3]]));
        TensorAssert.Close(expected, grid.Forward([Flat(map)], parameters), 1e-6);
        Assert.Throws<ArgumentException>(() => grid.OutputShape([[height * width, 4]]));
    }

    [Fact]
    public void Tokens_by_column_run_down_the_columns_and_back()
    {
        FloatTensor x = FloatTensor.From([1, 6, 1], [0, 1, 2, 10, 11, 12]);
        FloatTensor y = ArrangeTokens.ByColumn(2, 3).Forward([x], []);
        Assert.Equal([0, 10, 1, 11, 2, 12], y.Span.ToArray());
        TensorAssert.Same(x, ArrangeTokens.ByColumn(3, 2).Forward([y], []));
        Assert.Equal(ArrangeTokens.ByColumn(3, 2), ArrangeTokens.ByColumn(2, 3).Inverse(6));
        Assert.Throws<ArgumentException>(() => ArrangeTokens.ByColumn(2, 3).OutputShape([[5, 1]]));
    }

    [Fact]
    public void Arranged_tokens_have_zeros_where_there_is_no_source_and_lose_them_on_the_way_back()
    {
        FloatTensor x = FloatTensor.From([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
        var order = new ArrangeTokens([ArrangeTokens.Zeros, 1, 0]);
        Assert.Equal([3, 2], order.OutputShape([[2, 2]]));
        FloatTensor y = order.Forward([x], []);
        Assert.Equal([0, 0, 3, 4, 1, 2, 0, 0, 7, 8, 5, 6], y.Span.ToArray());
        TensorAssert.Same(x, order.Inverse(2).Forward([y], []));
        Assert.Throws<ArgumentException>(() => new ArrangeTokens([0, 0]).OutputShape([[2, 2]]));
        Assert.Throws<ArgumentException>(() => new ArrangeTokens([-2, 0]).OutputShape([[2, 2]]));
    }

    [Fact]
    public void Rotary_positions_keep_lengths_and_turn_back_where_they_came_from()
    {
        var positions = new RotaryPositions(3, 8, 14);
        FloatTensor x = FloatTensor.From([2, 9, 8], Sample.Floats(1, 144)), y = positions.Forward([x], []);
        FloatTensor back = new(x.Shape);
        for (int row = 0; row < 18; row++)
            positions.Turn(y.Span.Slice(row * 8, 8), row % 9, back.Span.Slice(row * 8, 8), isBack: true);
        TensorAssert.Close(x, back, 1e-6);
        Assert.Equal(x.Span[..8].ToArray(), y.Span[..8].ToArray()); // row 0, column 0
        // Row 1, column 2 of a grid on which 14 steps are three: the first pairs turn by as many radians.
        (double row1, double column2) = (14 / 3.0, 28 / 3.0);
        Assert.Equal(x.Span[40] * Math.Cos(row1) - x.Span[41] * Math.Sin(row1), y.Span[40], 1e-5);
        Assert.Equal(x.Span[45] * Math.Cos(column2) + x.Span[44] * Math.Sin(column2), y.Span[45], 1e-5);
        Assert.Throws<ArgumentException>(() => positions.OutputShape([[9, 4]]));
        Assert.Throws<ArgumentException>(() => new RotaryPositions(3, 6, 14).OutputShape([[9, 6]]));
    }

    [Fact]
    public void A_gated_sum_weighs_each_sequence_by_channels()
    {
        FloatTensor gates = FloatTensor.From([1, 2, 2], [2, 0, 1, 3]), a = FloatTensor.From([1, 2, 2], [1, 2, 3, 4]),
            b = FloatTensor.From([1, 2, 2], [10, 20, 30, 40]);
        Assert.Equal([12, 60, 36, 120], new GatedSum().Forward([gates, a, b], []).Span.ToArray());
        Assert.Equal([2, 2], new GatedSum().OutputShape([[2, 2], [2, 2], [2, 2]]));
        Assert.Throws<ArgumentException>(() => new GatedSum().OutputShape([[3, 2], [2, 2], [2, 2]]));
        Assert.Throws<ArgumentException>(() => new GatedSum().OutputShape([[2, 2], [2, 2], [3, 2]]));
    }

    [Fact]
    public void Merged_patches_are_padded_with_zeros_where_the_grid_is_odd()
    {
        FloatTensor x = FloatTensor.From([1, 9, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        var merge = new MergePatches(3, 3);
        Assert.Equal([4, 4], merge.OutputShape([[9, 1]]));
        Assert.Equal([1, 4, 2, 5, 3, 6, 0, 0, 7, 0, 8, 0, 9, 0, 0, 0], merge.Forward([x], []).Span.ToArray());
        Assert.Throws<ArgumentException>(() => merge.OutputShape([[8, 1]]));
    }

    private static FloatTensor Flat(FloatTensor map) => new FlattenSpatial().Forward([map], []);
}
