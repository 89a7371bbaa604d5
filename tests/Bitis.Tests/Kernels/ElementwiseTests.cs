using Bitis.Kernels.Activations;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Tests.Kernels;

public sealed unsafe class ElementwiseTests
{
    [Fact]
    public void Exp_is_within_2e_7_where_its_result_is_normal() =>
        CheckRelative(Elementwise.Exp, -87f, 88f, Math.Exp, 2e-7);

    [Fact]
    public void The_decay_of_the_scan_is_within_3e_7_and_stays_above_zero() =>
        CheckDecay<FifthDegree>(bound: 3e-7, forgettingBound: 1e6);

    [Fact]
    public void The_decay_of_quantized_models_is_within_2e_4_and_what_it_forgets_within_5e_4() =>
        CheckDecay<ThirdDegree>(bound: 2e-4, forgettingBound: 5e-4);

    private static void CheckDecay<TDegree>(double bound, double forgettingBound)
        where TDegree : struct, IExp2Degree
    {
        foreach (float x in Grid(-126f, 0f).Append(-1e-3f).Where(x => x <= 0))
        {
            Assert.Equal(1.0, Exp2(x) / Math.Pow(2, x), bound);
            double forgotten = 1 - Math.Pow(2, x);
            Assert.True(Math.Abs(1 - Exp2(x) - forgotten) <= (forgettingBound * forgotten) + 1e-7, $"{x}");
        }
        Assert.Equal(1f, Exp2(0f));
        Assert.Equal(Exp2(-126f), Exp2(-1e30f));

        static float Exp2(float x)
        {
            Lane1.Store(new Exp2Polynomial<Lane1, TDegree>().Of(Lane1.Create(x)), &x);
            return x;
        }
    }

    [Fact]
    public void Silu_is_within_1e_6() =>
        CheckRelative(Elementwise.Silu, -87f, 100f, x => x / (1 + Math.Exp(-x)), 1e-6);

    [Fact]
    public void Sigmoid_is_within_1e_6() =>
        CheckRelative(Elementwise.Sigmoid, -87f, 100f, x => 1 / (1 + Math.Exp(-x)), 1e-6);

    [Fact]
    public void Relu_is_exact_and_has_no_slope_at_zero()
    {
        float[] x = [-2f, -0f, 0f, 1e-45f, 3f, float.MinValue, float.MaxValue];
        foreach (ElementwiseKernel kernel in Elementwise.Relu.Runnable)
        {
            Assert.Equal([0f, 0f, 0f, 1e-45f, 3f, 0f, float.MaxValue], Apply(kernel, x));
            using GuardedBuffer<float> input = new(x), gradient = new([.. Enumerable.Repeat(5f, x.Length)]), result = new(x.Length);
            kernel.Backward(input.Pointer, gradient.Pointer, result.Pointer, x.Length);
            Assert.Equal([0f, 0f, 0f, 5f, 5f, 0f, 5f], result.Span.ToArray());
        }
    }

    [Fact]
    public void Softplus_is_within_1e_6_also_where_it_is_tiny() =>
        CheckRelative(Elementwise.Softplus, -86f, 100f, x => Math.Max(x, 0) + LogOnePlus(Math.Exp(-Math.Abs(x))), 1e-6);

    [Fact]
    public void Gelu_is_within_3e_7_of_the_error_function()
    {
        float[] x = Grid(-12f, 12f);
        foreach (ElementwiseKernel kernel in Elementwise.Gelu.Runnable)
        {
            float[] y = Apply(kernel, x);
            for (int i = 0; i < x.Length; i++)
            {
                double expected = 0.5 * x[i] * (1 + Erf(x[i] / Math.Sqrt(2)));
                double bound = 3e-7 * Math.Max(1, Math.Abs(x[i]));
                Assert.True(Math.Abs(y[i] - expected) <= bound, $"{kernel} at {x[i]}: {y[i]}, {expected}");
            }
        }
    }

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
        CheckSlope(Elementwise.Exp, Math.Exp);
        CheckSlope(Elementwise.Silu, x => x / (1 + Math.Exp(-x)));
        CheckSlope(Elementwise.Sigmoid, x => 1 / (1 + Math.Exp(-x)));
        CheckSlope(Elementwise.Softplus, x => Math.Max(x, 0) + LogOnePlus(Math.Exp(-Math.Abs(x))));
        CheckSlope(Elementwise.Gelu, x => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))));
    }

    [Fact]
    public void Every_length_is_safe_in_place_and_all_forms_agree_bit_for_bit()
    {
        KernelTable<ElementwiseKernel>[] tables =
            [Elementwise.Exp, Elementwise.Silu, Elementwise.Softplus, Elementwise.Gelu, Elementwise.Sigmoid, Elementwise.Relu];
        foreach (KernelTable<ElementwiseKernel> table in tables)
        {
            for (int length = 0; length <= 70; length++)
            {
                float[] x = Sample.Floats(length, length, -10f, 10f);
                int[]? first = null;
                foreach (ElementwiseKernel kernel in table.Runnable)
                {
                    int[] bits = Sample.Bits(Apply(kernel, x));
                    first ??= bits;
                    Assert.Equal(first, bits);
                }
            }
        }
    }

    private static void CheckRelative(
        KernelTable<ElementwiseKernel> table, float low, float high, Func<double, double> exact, double bound)
    {
        float[] x = Grid(low, high);
        foreach (ElementwiseKernel kernel in table.Runnable)
        {
            float[] y = Apply(kernel, x);
            for (int i = 0; i < x.Length; i++)
            {
                double expected = exact(x[i]);
                double error = Math.Abs(y[i] - expected);
                Assert.True(error <= bound * Math.Abs(expected), $"{kernel} at {x[i]}: {y[i]}, {expected}");
            }
        }
    }

    private static void CheckSlope(KernelTable<ElementwiseKernel> table, Func<double, double> exact)
    {
        float[] x = Sample.Floats(1, 203, -5f, 5f), y = Sample.Floats(2, 203);
        double[] expected = NumericalGradient.Of(point => point.Zip(y, (value, weight) => exact(value) * weight).Sum(), x);
        foreach (ElementwiseKernel kernel in table.Runnable)
        {
            using GuardedBuffer<float> input = new(x), gradient = new(y), result = new(x.Length);
            kernel.Backward(input.Pointer, gradient.Pointer, result.Pointer, x.Length);
            NumericalGradient.AssertClose(expected, result.Span, $"{kernel}");
        }
    }

    private static float[] Apply(ElementwiseKernel kernel, float[] x)
    {
        using var buffer = new GuardedBuffer<float>(x);
        kernel.Run(buffer.Pointer, buffer.Pointer, x.Length);
        return buffer.Span.ToArray();
    }

    // Even steps, and a closer look around zero.
    private static float[] Grid(float low, float high) =>
    [
        .. Enumerable.Range(0, 20_001).Select(i => low + ((high - low) * (i / 20_000f))),
        .. Enumerable.Range(-1000, 2001).Select(i => i / 1000f),
    ];

    private static double LogOnePlus(double t) => t > 1e-5 ? Math.Log(1 + t) : t - (t * t / 2) + (t * t * t / 3);

    // The Taylor series near zero, the continued fraction of erfc (DLMF 7.9.1) beyond.
    private static double Erf(double x)
    {
        double a = Math.Abs(x);
        if (a < 3)
        {
            double term = a, sum = a;
            for (int n = 1; n < 80; n++)
            {
                term *= -a * a / n;
                sum += term / ((2 * n) + 1);
            }
            return Math.Sign(x) * sum * 2 / Math.Sqrt(Math.PI);
        }
        double fraction = 0;
        for (int n = 60; n > 0; n--)
            fraction = n / 2.0 / (a + fraction);
        return Math.Sign(x) * (1 - (Math.Exp(-a * a) / Math.Sqrt(Math.PI) / (a + fraction)));
    }
}
