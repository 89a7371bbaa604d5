using Bitis.KernelHarness.Operands;

namespace Bitis.KernelHarness.References;

/// <summary>Derivatives by central differences in float64, with which every backward pass is compared.</summary>
internal static class NumericalGradient
{
    private const double Distance = 1e-5;

    /// <summary>The gradient of a scalar function at a point.</summary>
    public static double[] Of(Func<double[], double> function, float[] point)
    {
        double[] x = NumberArrays.Doubles(point);
        var gradient = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            double value = x[i];
            x[i] = value + Distance;
            double above = function(x);
            x[i] = value - Distance;
            double below = function(x);
            x[i] = value;
            gradient[i] = (above - below) / (2 * Distance);
        }
        return gradient;
    }

    /// <summary>The gradients of a function of several operands, one for each operand.</summary>
    public static double[][] OfEach(Func<double[][], double> function, params float[][] operands)
    {
        double[][] values = Array.ConvertAll(operands, NumberArrays.Doubles);
        return
        [
            .. operands.Select((operand, i) =>
                Of(point => function([.. values[..i], point, .. values[(i + 1)..]]), operand)),
        ];
    }

    /// <summary>The sum of products.</summary>
    public static double Dot(IEnumerable<double> values, float[] weights) =>
        values.Zip(weights, (value, weight) => value * weight).Sum();
}
