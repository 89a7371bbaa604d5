using Bitis.Kernels.Normalization;

namespace Bitis.Tests.Kernels;

public sealed unsafe class RowNormGradientTests
{
    [Theory]
    [InlineData(1, 2, false)]
    [InlineData(3, 16, false)]
    [InlineData(2, 37, true)]
    [InlineData(4, 5, true)]
    public void Every_form_equals_finite_differences_in_float64(int rows, int columns, bool center)
    {
        const float Epsilon = 1e-3f;
        float[] x = Sample.Floats(1, rows * columns), w = Sample.Floats(2, columns), bias = Sample.Floats(3, columns);
        float[] weights = Sample.Floats(4, rows * columns);
        double[] xs = Doubles(x), ws = Doubles(w), biases = Doubles(bias);
        double[] xExpected = NumericalGradient.Of(point => Loss(point, ws, biases), x);
        double[] wExpected = NumericalGradient.Of(point => Loss(xs, point, biases), w);
        double[] biasExpected = NumericalGradient.Of(point => Loss(xs, ws, point), bias);

        foreach (RowNormGradientKernel kernel in RowNormGradient.Table.Runnable)
        {
            foreach (bool accumulate in new[] { false, true })
            {
                float[] xGradient = new float[x.Length], wGradient = new float[columns], biasGradient = new float[columns];
                Array.Fill(xGradient, 1f);
                fixed (float* xp = x, wp = w, bp = bias, yp = weights, xg = xGradient, wg = wGradient, bg = biasGradient)
                {
                    var call = new RowNormGradientCall
                    {
                        Forward = new RowNormCall
                        {
                            Columns = columns,
                            Source = xp,
                            SourceStride = columns,
                            Weight = wp,
                            Bias = center ? bp : null,
                            Epsilon = Epsilon,
                            Center = center,
                        },
                        Gradients = new LayerGradients
                        {
                            Output = yp,
                            OutputStride = columns,
                            Source = xg,
                            SourceStride = columns,
                            AccumulateSource = accumulate,
                            Weight = wg,
                            Bias = bg,
                        },
                    };
                    kernel.Run(in call, rows);
                }
                double before = accumulate ? 1 : 0;
                NumericalGradient.AssertClose(Array.ConvertAll(xExpected, value => value + before), xGradient, $"{kernel}, x");
                NumericalGradient.AssertClose(wExpected, wGradient, $"{kernel}, w");
                if (center)
                    NumericalGradient.AssertClose(biasExpected, biasGradient, $"{kernel}, b");
            }
        }

        double Loss(double[] x, double[] w, double[] b)
        {
            double loss = 0;
            for (int row = 0; row < rows; row++)
            {
                double[] values = x[(row * columns)..((row + 1) * columns)];
                double mean = center ? values.Average() : 0;
                double scale = 1 / Math.Sqrt(values.Average(value => (value - mean) * (value - mean)) + Epsilon);
                for (int c = 0; c < columns; c++)
                    loss += weights[(row * columns) + c] * (((values[c] - mean) * scale * w[c]) + (center ? b[c] : 0));
            }
            return loss;
        }
    }

    private static double[] Doubles(float[] values) => Array.ConvertAll(values, value => (double)value);
}
