namespace Bitis.Tests.Kernels;

public sealed class CausalConvGradientTests
{
    [Theory]
    [InlineData(1, 1, 4, false, false)]
    [InlineData(6, 19, 4, true, false)]
    [InlineData(3, 16, 5, false, true)] // fewer tokens than taps
    [InlineData(9, 33, 1, true, true)]
    public void Every_form_equals_finite_differences_in_float64(
        int tokens, int channels, int taps, bool reverse, bool sumsOnly)
    {
        var data = new CausalConvGradientCase(tokens, channels, taps) { Reverse = reverse, SumsOnly = sumsOnly };
        KernelAssert.FormsAgree(data);
        KernelAssert.FormsAgree(data with { Accumulate = true });
    }
}
