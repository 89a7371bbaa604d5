namespace Bitis.Tests.Kernels;

public sealed class PositiveMaskTests
{
    [Fact]
    public void Every_form_marks_what_is_more_than_zero_and_lets_it_through_at_every_length()
    {
        for (int length = 0; length <= 70; length++)
        {
            KernelAssert.FormsAgree(new PositiveMaskCase(length));
            KernelAssert.FormsAgree(new PositiveMaskCase(length) { Accumulate = true });
        }
    }
}
