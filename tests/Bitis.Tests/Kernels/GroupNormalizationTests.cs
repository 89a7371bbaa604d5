namespace Bitis.Tests.Kernels;

public sealed class GroupNormalizationTests
{
    public static TheoryData<int, int, int> Shapes => new()
    {
        { 1, 2, 1 }, { 3, 16, 8 }, { 6, 40, 4 }, { 9, 15, 5 }, { 7, 33, 1 }, { 5, 6, 6 }, { 64, 32, 8 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_form_equals_the_formula_in_float64_and_all_give_the_same_bits(
        int tokens, int channels, int groups) =>
        KernelAssert.FormsAgree(new GroupNormalizationCase(tokens, channels, groups));

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_form_of_the_backward_pass_equals_finite_differences_in_float64(
        int tokens, int channels, int groups)
    {
        foreach (bool accumulate in (bool[])[false, true])
        {
            KernelAssert.FormsAgree(
                new GroupNormalizationGradientCase(tokens, channels, groups) { Accumulate = accumulate });
        }
    }
}
