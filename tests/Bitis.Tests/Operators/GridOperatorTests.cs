using Bitis.Operators;
using Bitis.Tensors;
using Bitis.Tests.Kernels;

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
        Tensor map = Tensor.From([2, 3, height, width], Sample.Floats(1, 6 * height * width));
        Tensor[] parameters = [Tensor.From([4, 3, kernel, kernel], Sample.Floats(2, 12 * kernel * kernel)), Tensor.From([4], Sample.Floats(3, 4))];
        Tensor expected = Flat(new Conv2d(3, 4, kernel, stride, padding, HasBias: true).Forward([map], parameters));
        var grid = new GridConv2d(3, 4, height, width, kernel, stride, padding);
        Assert.Equal(expected.Shape.DropFirst(), grid.OutputShape([[height * width, 3]]));
        TensorAssert.Close(expected, grid.Forward([Flat(map)], parameters), 1e-6);
        Assert.Throws<ArgumentException>(() => grid.OutputShape([[height * width, 4]]));
    }

    [Fact]
    public void Transposed_tokens_run_down_the_columns_and_back()
    {
        Tensor x = Tensor.From([1, 6, 1], [0, 1, 2, 10, 11, 12]);
        Tensor y = new TransposeTokens(2, 3).Forward([x], []);
        Assert.Equal([0, 10, 1, 11, 2, 12], y.Span.ToArray());
        TensorAssert.Same(x, new TransposeTokens(3, 2).Forward([y], []));
        Assert.Throws<ArgumentException>(() => new TransposeTokens(2, 3).OutputShape([[5, 1]]));
    }

    [Fact]
    public void Merged_patches_are_padded_with_zeros_where_the_grid_is_odd()
    {
        Tensor x = Tensor.From([1, 9, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        var merge = new MergePatches(3, 3);
        Assert.Equal([4, 4], merge.OutputShape([[9, 1]]));
        Assert.Equal([1, 4, 2, 5, 3, 6, 0, 0, 7, 0, 8, 0, 9, 0, 0, 0], merge.Forward([x], []).Span.ToArray());
        Assert.Throws<ArgumentException>(() => merge.OutputShape([[8, 1]]));
    }

    private static Tensor Flat(Tensor map) => new FlattenSpatial().Forward([map], []);
}
