using Bitis.Kernels.Activations;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Tests.Kernels;

public sealed unsafe class ElementwiseTests
{
    private static readonly KernelTable<ElementwiseKernel>[] Tables =
    [
        Elementwise.Exp,
        Elementwise.Silu,
        Elementwise.Softplus,
        Elementwise.Gelu,
        Elementwise.Sigmoid,
        Elementwise.Relu,
    ];

    [Fact]
    public void Exp_is_within_2e_7_where_its_result_is_normal() =>
        Check(Elementwise.Exp, -87f, 88f, 2e-7);

    [Fact]
    public void The_decay_of_the_scan_is_within_3e_7_and_stays_above_zero()
    {
        foreach (float x in Spread(-126f, 0f).Append(-1e-3f).Where(x => x <= 0))
            Assert.Equal(1.0, Exp2(x) / Math.Pow(2, x), 3e-7);
        Assert.Equal(1f, Exp2(0f));
        Assert.Equal(Exp2(-126f), Exp2(-1e30f));

        static float Exp2(float x)
        {
            Lane1.Store(new Exp2Polynomial<Lane1>().Of(Lane1.Create(x)), &x);
            return x;
        }
    }

    [Fact]
    public void Silu_is_within_1e_6() =>
        Check(Elementwise.Silu, -87f, 100f, 1e-6);

    [Fact]
    public void Sigmoid_is_within_1e_6() =>
        Check(Elementwise.Sigmoid, -87f, 100f, 1e-6);

    [Fact]
    public void Relu_is_exact_and_has_no_slope_at_zero()
    {
        float[] x = [-2f, -0f, 0f, 1e-45f, 3f, float.MinValue, float.MaxValue];
        foreach (ElementwiseKernel kernel in Elementwise.Relu.Runnable)
        {
            Assert.Equal([0f, 0f, 0f, 1e-45f, 3f, 0f, float.MaxValue], Apply(kernel, x));
            using GuardedBuffer<float> input = new(x), gradient = new([.. Enumerable.Repeat(5f, x.Length)]),
                result = new(x.Length);
            kernel.Backward(input.Pointer, gradient.Pointer, result.Pointer, x.Length);
            Assert.Equal([0f, 0f, 0f, 5f, 5f, 0f, 5f], result.Span.ToArray());
        }
    }

    [Fact]
    public void Softplus_is_within_1e_6_also_where_it_is_tiny() =>
        Check(Elementwise.Softplus, -86f, 100f, 1e-6);

    [Fact]
    public void Gelu_is_within_3e_7_of_the_error_function() =>
        Check(Elementwise.Gelu, -12f, 12f, 3e-7);

    [Fact]
    public void Large_arguments_saturate()
    {
        foreach (ElementwiseKernel kernel in Elementwise.Silu.Runnable)
        {
            float[] y = Apply(kernel, [1e30f, -1e30f, 0f, -200f]);
            Assert.Equal(1e30f, y[0]);
            Assert.InRange(y[3], -1e-30f, 0f);
            Assert.Equal(0f, y[2]);
        }
        foreach (ElementwiseKernel kernel in Elementwise.Softplus.Runnable)
        {
            float[] y = Apply(kernel, [1e30f, -1e30f, 50f]);
            Assert.Equal(1e30f, y[0]);
            Assert.InRange(y[1], 0f, 1e-30f);
            Assert.Equal(50f, y[2]);
        }
        foreach (ElementwiseKernel kernel in Elementwise.Gelu.Runnable)
            Assert.Equal([1e30f, 0f, 6f, 0f], Apply(kernel, [1e30f, -1e30f, 6f, -6f]));
    }

    [Fact]
    public void Slopes_equal_finite_differences_in_float64()
    {
        foreach (KernelTable<ElementwiseKernel> table in Tables)
            KernelAssert.FormsAgree(new ElementwiseGradientCase(table, 203));
    }

    [Fact]
    public void Every_length_is_safe_in_place_and_all_forms_agree_bit_for_bit()
    {
        foreach (KernelTable<ElementwiseKernel> table in Tables)
        {
            for (int length = 0; length <= 70; length++)
                KernelAssert.FormsAgree(new ElementwiseCase(table, length));
        }
    }

    private static void Check(KernelTable<ElementwiseKernel> table, float low, float high, double tolerance)
    {
        float[] x = Spread(low, high);
        KernelAssert.FormsAgree(new ElementwiseCase(table, x.Length) { Arguments = x, Tolerance = tolerance });
    }

    private static float[] Apply(ElementwiseKernel kernel, float[] x)
    {
        using var buffer = new GuardedBuffer<float>(x);
        kernel.Run(buffer.Pointer, buffer.Pointer, x.Length);
        return buffer.Span.ToArray();
    }

    // Even steps, and a closer look around zero.
    private static float[] Spread(float low, float high) =>
    [
        .. Enumerable.Range(0, 20_001).Select(i => low + ((high - low) * (i / 20_000f))),
        .. Enumerable.Range(-1000, 2001).Select(i => i / 1000f),
    ];
}
