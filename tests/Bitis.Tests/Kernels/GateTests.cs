namespace Bitis.Tests.Kernels;

public sealed class GateTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(37)]
    public void Every_form_equals_the_formula_and_finite_differences_in_float64(int count)
    {
        KernelAssert.FormsAgree(new GateCase(count));
        KernelAssert.FormsAgree(new GateCase(count) { Factor = 0.5f });
        KernelAssert.FormsAgree(new GateGradientCase(count));
    }
}
