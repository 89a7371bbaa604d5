using Bitis.Kernels.Dispatch;

namespace Bitis.Tests.Kernels;

/// <summary>All forms of all operations: on ordinary numbers, and on NaN, infinities and extremes.</summary>
public sealed class KernelFormsTests
{
    public static TheoryData<string> Titles => [.. KernelCases.All(KernelSize.Odd).Select(data => data.Title)];

    [Theory]
    [MemberData(nameof(Titles))]
    public void Every_form_computes_what_the_definition_says(string title) =>
        KernelAssert.FormsAgree(KernelCases.All(KernelSize.Odd).Single(data => data.Title == title));

    [Theory]
    [MemberData(nameof(Titles))]
    public void All_forms_do_the_same_with_what_is_not_finite(string title) =>
        KernelAssert.FormsAgree(KernelCases.All(KernelSize.Odd, hasExtremes: true).Single(data => data.Title == title));

    [Fact]
    public void Every_row_of_every_table_has_a_case()
    {
        IEnumerable<Kernel> rows = KernelCases.All(KernelSize.Odd).SelectMany(data => data.Rows).Distinct();
        Assert.Equal(KernelTables.All.Select(row => row.Name).Order(), rows.Select(row => row.Name).Order());
    }

    [Fact]
    public void A_wrong_value_is_found()
    {
        Expectation exact = Expectation.Exact((float[])[1f, 0f]), close = Expectation.Close([1, 2], tolerance: 1e-3);
        Assert.Null(exact.Mismatch((float[])[1f, 0f]));
        Assert.NotNull(exact.Mismatch((float[])[1f, -0f]));
        Assert.NotNull(exact.Mismatch((float[])[1f]));
        Assert.Null(close.Mismatch((float[])[1.001f, 2f]));
        Assert.NotNull(close.Mismatch((float[])[1f, 2.003f]));
        Assert.NotNull(close.Mismatch((float[])[1f, float.NaN]));
        Assert.Null(Expectation.Difference((float[])[1f, float.NaN], (float[])[2f, -float.NaN], isBitExact: false));
        Assert.NotNull(Expectation.Difference((float[])[1f], (float[])[float.PositiveInfinity], isBitExact: false));
    }
}
