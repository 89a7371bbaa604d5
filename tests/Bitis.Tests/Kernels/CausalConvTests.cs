using Bitis.Kernels.Convolution;

namespace Bitis.Tests.Kernels;

public sealed class CausalConvTests
{
    [Theory]
    [InlineData(0, 16, 4)]
    [InlineData(1, 1, 4)]
    [InlineData(2, 17, 4)]
    [InlineData(9, 37, 4)]
    [InlineData(9, 16, 1)]
    [InlineData(3, 20, 7)]
    public void Every_form_follows_the_definition_and_all_forms_agree_bit_for_bit(int tokens, int channels, int taps)
    {
        foreach (bool reverse in (bool[])[false, true])
        {
            var data = new CausalConvCase(tokens, channels, taps) { Reverse = reverse };
            KernelAssert.FormsAgree(data);
            KernelAssert.FormsAgree(data with { RowMap = [.. Enumerable.Range(0, tokens).Reverse()] });
            KernelAssert.SameBits(data with { }, data with { Cuts = [channels / 3] });
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(3)]
    public void Rows_that_an_index_map_leaves_out_are_zeros(int taps) =>
        KernelAssert.FormsAgree(new CausalConvCase(5, 17, taps) { Reverse = true, RowMap = [2, -1, 0, -1, 1] });

    [Theory]
    [InlineData(9, 37, 4)]
    [InlineData(2, 17, 4)]
    [InlineData(5, 20, 7)]
    public void Sums_of_levels_are_exact_and_scaled_by_channel(int tokens, int channels, int taps) =>
        KernelAssert.FormsAgree(new CausalConvCase(tokens, channels, taps) { IsInteger = true });

    [Fact]
    public void Packing_transposes_and_checks_lengths()
    {
        var packed = new float[6];
        CausalConv.PackWeights([1, 2, 3, 4, 5, 6], packed, channels: 2, taps: 3);
        Assert.Equal([1, 4, 2, 5, 3, 6], packed);
        Assert.Throws<ArgumentException>(() => CausalConv.PackWeights([1f], packed, 2, 3));
    }
}
