namespace Bitis.Tests.Kernels;

/// <summary>The depthwise convolution over a grid of tokens, forward and backward, in all forms.</summary>
public sealed class DepthwiseConvTests
{
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        { 1, 1, 3, 1 },
        { 1, 5, 3, 17 },
        { 4, 1, 3, 16 },
        { 5, 7, 3, 37 },
        { 3, 4, 5, 33 },
        { 2, 3, 1, 20 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_form_follows_the_definition_and_all_forms_agree_bit_for_bit(
        int height, int width, int kernelSize, int channels)
    {
        var data = new DepthwiseConvCase(height, width, kernelSize, channels);
        KernelAssert.FormsAgree(data);
        KernelAssert.SameBits(data with { }, data with { Cuts = [channels / 3] });
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Sums_of_levels_are_exact_and_scaled_by_channel(int height, int width, int kernelSize, int channels) =>
        KernelAssert.FormsAgree(new DepthwiseConvCase(height, width, kernelSize, channels) { IsInteger = true });

    [Theory]
    [InlineData(1, 1, 3, 3, false)]
    [InlineData(3, 4, 3, 18, false)]
    [InlineData(2, 3, 3, 17, true)]
    [InlineData(3, 2, 5, 17, false)]
    public void Every_form_of_the_backward_pass_equals_finite_differences_in_float64(
        int height, int width, int kernelSize, int channels, bool sumsOnly)
    {
        var data = new DepthwiseConvGradientCase(height, width, kernelSize, channels) { SumsOnly = sumsOnly };
        KernelAssert.FormsAgree(data);
        KernelAssert.FormsAgree(data with { Accumulate = true });
    }
}
