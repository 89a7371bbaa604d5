namespace Bitis.Tests.Kernels;

public sealed class MeanOfRowNormsTests
{
    [Fact]
    public void Every_form_is_within_1e_5_of_float64_over_every_length()
    {
        for (int columns = 1; columns <= 70; columns++)
            KernelAssert.FormsAgree(new MeanOfRowNormsCase(Tokens: 3, columns));
        KernelAssert.FormsAgree(new MeanOfRowNormsCase(Tokens: 49, Columns: 192));
        KernelAssert.FormsAgree(new MeanOfRowNormsCase(Tokens: 1, Columns: 5));
        KernelAssert.FormsAgree(new MeanOfRowNormsCase(Tokens: 3, Columns: 21) { RowMap = [2, 0, 1] });
        KernelAssert.FormsAgree(new MeanOfRowNormsCase(Tokens: 2, Columns: 40) { RowMap = [3, 1] });
    }
}
