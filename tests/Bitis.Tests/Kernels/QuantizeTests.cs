using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;

namespace Bitis.Tests.Kernels;

public sealed unsafe class QuantizeTests
{
    [Fact]
    public void Every_form_equals_the_scalar_formula_over_every_length()
    {
        for (int columns = 0; columns <= 70; columns++)
        {
            var data = new QuantizeCase(3, columns);
            KernelAssert.FormsAgree(data);
            KernelAssert.FormsAgree(data with { HasExtremes = true, HasFactors = true });
            KernelAssert.FormsAgree(data with { HasExtremes = true, IsPerToken = false, MaxValue = 15 });
        }
    }

    [Fact]
    public void Rounds_half_to_even_saturates_and_takes_nan_for_zero()
    {
        float[] values =
            [0.5f, 1.5f, 2.5f, -0.5f, 1e30f, -1e30f, float.NaN, float.PositiveInfinity, 0.49999997f, float.Epsilon];
        foreach (RangeKernel<QuantizeCall> kernel in Quantize.Table.Runnable)
        {
            using var source = new GuardedBuffer<float>(values);
            using var target = new GuardedBuffer<byte>(values.Length);
            float inverseScale = 1f;
            int zero = 3;
            var call = new QuantizeCall
            {
                Source = source.Pointer,
                Target = target.Pointer,
                Columns = values.Length,
                InverseScales = &inverseScale,
                ZeroPoints = &zero,
                MaxValue = 255,
            };
            kernel.Run(in call, 0, 1);
            Assert.Equal([3, 5, 5, 3, 255, 0, 0, 255, 3, 3], target.Span.ToArray());
        }
    }
}
