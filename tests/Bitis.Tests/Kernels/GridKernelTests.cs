using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;

namespace Bitis.Tests.Kernels;

/// <summary>Convolution, interpolation and pooling of grids of tokens, in all forms.</summary>
public sealed class GridKernelTests
{
    public static TheoryData<int, int, int, int, int, int, int, int> Convolutions => new()
    {
        { 1, 1, 1, 1, 0, 1, 1, 1 },
        { 5, 7, 3, 1, 1, 9, 20, 37 },
        { 11, 12, 3, 1, 1, 4, 5, 33 }, // more places than a block has
        { 9, 11, 1, 1, 0, 300, 17, 19 }, // more channels than a piece of the filter has
        { 6, 5, 3, 2, 1, 16, 16, 64 },
        { 2, 3, 5, 1, 4, 3, 2, 16 }, // places that see nothing of the grid
        { 4, 6, 2, 2, 0, 7, 8, 32 },
    };

    [Theory]
    [MemberData(nameof(Convolutions))]
    public void Every_form_convolves_by_the_definition_and_all_forms_agree_bit_for_bit(
        int height, int width, int kernel, int stride, int padding, int first, int second, int outputs)
    {
        var data = new GridConvCase(height, width, kernel, stride, padding, first, second, outputs);
        KernelAssert.FormsAgree(data);
        KernelAssert.FormsAgree(data with { Rectify = true });
        KernelAssert.SameBits(data with { }, data with { Cuts = [1] });
    }

    [Theory]
    [InlineData(1, 1, 1, 1, 0, 1, 1)]
    [InlineData(5, 7, 3, 1, 1, 37, 9, 20)] // widths that are not whole groups of four
    [InlineData(9, 11, 3, 1, 1, 70, 8)] // rows of the filter in one piece
    [InlineData(16, 13, 1, 1, 0, 21, 12)] // levels where they lie, and more places than a block has
    [InlineData(7, 9, 1, 1, 0, 66, 700, 500)] // more than a chunk
    [InlineData(6, 5, 3, 1, 1, 17, 300, 90)] // a place of the filter in two chunks
    [InlineData(6, 5, 3, 2, 1, 64, 16)]
    [InlineData(2, 3, 5, 1, 4, 16, 3, 2)] // places that see nothing of the grid
    [InlineData(4, 6, 2, 2, 0, 32, 7, 8)]
    public void Every_form_convolves_levels_by_the_definition(
        int height, int width, int kernel, int stride, int padding, int outputs, params int[] parts)
    {
        foreach ((KernelTable<Int8GemmKernel> table, int bits) in ((KernelTable<Int8GemmKernel>, int)[])
            [(Int8Gemm.Table, 8), (Int8Gemm.PairTable, 6), (Int8Gemm.NibbleTable, 4)])
        {
            var data = new IntegerGridConvCase(
                table, bits, height, width, kernel, stride, padding, parts, outputs);
            KernelAssert.FormsAgree(data);
            KernelAssert.SameBits(data with { }, data with { Cuts = [1] });
        }
    }

    [Theory]
    [InlineData(3, 37)]
    [InlineData(2, 64)]
    public void Every_form_finishes_sums_by_the_definition(int rows, int columns)
    {
        var data = new FinishSumsCase(rows, columns);
        foreach (bool rectify in (bool[])[false, true])
        {
            foreach (bool toLevels in (bool[])[false, true])
                KernelAssert.FormsAgree(data with { Rectify = rectify, ToLevels = toLevels });
        }
    }

    [Theory]
    [InlineData(1, 1, 4, 5, 3)]
    [InlineData(5, 4, 5, 4, 16)]
    [InlineData(3, 5, 9, 7, 37)]
    [InlineData(8, 6, 3, 1, 20)]
    public void Every_form_interpolates_by_the_definition(
        int height, int width, int outHeight, int outWidth, int channels)
    {
        var data = new BilinearResizeCase(height, width, outHeight, outWidth, channels);
        KernelAssert.FormsAgree(data);
        KernelAssert.FormsAgree(data with { Accumulate = true });
        KernelAssert.SameBits(data with { }, data with { Cuts = [1] });
    }

    [Theory]
    [InlineData(1, 1, 3, 5)]
    [InlineData(16, 11, 6, 37)]
    [InlineData(3, 2, 6, 16)]
    [InlineData(7, 5, 1, 18)]
    public void Every_form_pools_by_the_definition(int height, int width, int bins, int channels)
    {
        var data = new AveragePoolCase(height, width, bins, channels);
        KernelAssert.FormsAgree(data);
        KernelAssert.SameBits(data with { }, data with { Cuts = [1] });
    }

    [Theory]
    [InlineData(1, 1, 4, 5, 3)]
    [InlineData(5, 4, 5, 4, 16)]
    [InlineData(3, 5, 9, 7, 37)]
    [InlineData(8, 6, 3, 1, 20)]
    public void Every_form_gives_an_interpolation_s_gradient_to_where_it_came_from(
        int height, int width, int outHeight, int outWidth, int channels)
    {
        var data = new BilinearResizeGradientCase(height, width, outHeight, outWidth, channels);
        KernelAssert.FormsAgree(data);
        KernelAssert.SameBits(data with { }, data with { Cuts = [1] });
    }

    [Theory]
    [InlineData(1, 1, 3, 5)]
    [InlineData(16, 11, 6, 37)]
    [InlineData(3, 2, 6, 16)]
    [InlineData(7, 5, 1, 18)]
    public void Every_form_gives_a_bin_s_gradient_to_the_tokens_it_covers(int height, int width, int bins, int channels)
    {
        var data = new AveragePoolGradientCase(height, width, bins, channels);
        KernelAssert.FormsAgree(data);
        KernelAssert.FormsAgree(data with { Accumulate = true });
        KernelAssert.SameBits(data with { }, data with { Cuts = [1] });
    }
}
