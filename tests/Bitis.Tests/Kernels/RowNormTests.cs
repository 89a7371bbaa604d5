using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Normalization;

namespace Bitis.Tests.Kernels;

public sealed unsafe class RowNormTests
{
    [Fact]
    public void Every_form_is_within_1e_5_of_float64_over_every_length()
    {
        for (int columns = 1; columns <= 40; columns++)
        {
            foreach (bool center in (bool[])[false, true])
            {
                var data = new RowNormCase(3, columns) { Center = center };
                KernelAssert.FormsAgree(data with { HasBias = true });
                KernelAssert.FormsAgree(data with { HasResidual = true, Accumulate = true });
                KernelAssert.FormsAgree(data with { HasResidual = true, HasBias = true });
            }
        }
        KernelAssert.FormsAgree(new RowNormCase(2, 192) { HasResidual = true, Accumulate = true });
    }

    [Fact]
    public void Rows_outside_the_range_stay_untouched()
    {
        foreach (RangeKernel<RowNormCall> kernel in RowNorm.Table.Runnable)
        {
            using var values = new GuardedBuffer<float>(Sample.Floats(1, 4 * 20));
            using var weight = new GuardedBuffer<float>(Sample.Floats(2, 20));
            using var target = new GuardedBuffer<float>(4 * 20);
            var call = new RowNormCall
            {
                Columns = 20,
                Source = values.Pointer,
                SourceStride = 20,
                Target = target.Pointer,
                TargetStride = 20,
                Weight = weight.Pointer,
                Epsilon = 1e-5f,
            };
            kernel.Run(in call, 1, 3);
            Assert.Equal(-1, target.Span[..20].IndexOfAnyExcept(0f));
            Assert.Equal(-1, target.Span[60..].IndexOfAnyExcept(0f));
            Assert.Equal(-1, target.Span[20..60].IndexOf(0f));
        }
    }
}
