namespace Bitis.Tests.Kernels;

public sealed class RowNormGradientTests
{
    [Theory]
    [InlineData(1, 2, false)]
    [InlineData(3, 16, false)]
    [InlineData(2, 37, true)]
    [InlineData(4, 5, true)]
    public void Every_form_equals_finite_differences_in_float64(int tokens, int columns, bool center)
    {
        foreach (bool accumulate in (bool[])[false, true])
        {
            KernelAssert.FormsAgree(
                new RowNormGradientCase(tokens, columns) { Center = center, Accumulate = accumulate });
        }
    }
}
