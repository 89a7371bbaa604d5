namespace Bitis.Tests.Kernels;

/// <summary>Derivatives by central differences in float64: what every backward pass is held against.</summary>
internal static class NumericalGradient
{
    private const double Step = 1e-5;

    /// <summary>The gradient of a scalar function at a point.</summary>
    public static double[] Of(Func<double[], double> function, float[] point)
    {
        double[] x = Array.ConvertAll(point, value => (double)value);
        var gradient = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            double value = x[i];
            x[i] = value + Step;
            double above = function(x);
            x[i] = value - Step;
            double below = function(x);
            x[i] = value;
            gradient[i] = (above - below) / (2 * Step);
        }
        return gradient;
    }

    /// <summary>Asserts that float32 gradients are within rounding of float64 ones, relative to the largest.</summary>
    public static void AssertClose(double[] expected, ReadOnlySpan<float> actual, string name, double tolerance = 2e-5)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = expected.Length == 0 ? 0 : expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(
                Math.Abs(expected[i] - actual[i]) <= tolerance * Math.Max(largest, 1e-3),
                $"{name} at {i}: {actual[i]}, expected {expected[i]} (largest {largest})");
        }
    }
}
