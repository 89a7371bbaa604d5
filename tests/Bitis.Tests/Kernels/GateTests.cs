using Bitis.Kernels.Activations;

namespace Bitis.Tests.Kernels;

public sealed unsafe class GateTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(37)]
    public void Every_form_equals_the_formula_and_finite_differences_in_float64(int count)
    {
        float[] x = Sample.Floats(1, count), z = Sample.Floats(2, count), gradient = Sample.Floats(3, count);
        double[] xs = Array.ConvertAll(x, value => (double)value), zs = Array.ConvertAll(z, value => (double)value);
        double[] xExpected = NumericalGradient.Of(point => Loss(point, zs), x), zExpected = NumericalGradient.Of(point => Loss(xs, point), z);
        foreach (GateKernel kernel in Gate.Table.Runnable)
        {
            float[] y = new float[count], xGradient = new float[count], zGradient = new float[count];
            fixed (float* xp = x, zp = z, yp = y, gp = gradient, xg = xGradient, zg = zGradient)
            {
                kernel.Forward(xp, zp, 1f, yp, count);
                kernel.Backward(xp, zp, gp, xg, zg, count);
            }
            NumericalGradient.AssertClose([.. xs.Zip(zs, Gated)], y, $"{kernel}, y", tolerance: 1e-6);
            fixed (float* xp = x, zp = z, yp = y)
                kernel.Forward(xp, zp, 0.5f, yp, count);
            NumericalGradient.AssertClose([.. xs.Zip(zs, (x, z) => Gated(x, z) / 2)], y, $"{kernel}, half of y", tolerance: 1e-6);
            NumericalGradient.AssertClose(xExpected, xGradient, $"{kernel}, x");
            NumericalGradient.AssertClose(zExpected, zGradient, $"{kernel}, z");
        }

        double Loss(double[] x, double[] z) => x.Zip(z, Gated).Zip(gradient, (y, weight) => y * weight).Sum();
    }

    private static double Gated(double x, double z) => x * z / (1 + Math.Exp(-z));
}
