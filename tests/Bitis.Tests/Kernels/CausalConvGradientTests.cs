using Bitis.Kernels.Convolution;
using Bitis.Kernels.Normalization;

namespace Bitis.Tests.Kernels;

public sealed unsafe class CausalConvGradientTests
{
    [Theory]
    [InlineData(1, 1, 4, false, false)]
    [InlineData(6, 19, 4, true, false)]
    [InlineData(3, 16, 5, false, true)] // fewer tokens than taps
    [InlineData(9, 33, 1, true, true)]
    public void Every_form_equals_finite_differences_in_float64(int tokens, int channels, int taps, bool reverse, bool sumsOnly)
    {
        float[] x = Sample.Floats(1, tokens * channels), w = Sample.Floats(2, taps * channels), bias = Sample.Floats(3, channels);
        float[] weights = Sample.Floats(4, tokens * channels);
        double[] xs = Doubles(x), ws = Doubles(w), biases = Doubles(bias);
        double[] xExpected = NumericalGradient.Of(point => Loss(point, ws, biases), x);
        double[] wExpected = NumericalGradient.Of(point => Loss(xs, point, biases), w);
        double[] biasExpected = NumericalGradient.Of(point => Loss(xs, ws, point), bias);

        foreach (CausalConvGradientKernel kernel in CausalConvGradient.Table.Runnable)
        {
            foreach (bool accumulate in new[] { false, true })
            {
                float[] xGradient = new float[x.Length], wGradient = new float[w.Length], biasGradient = new float[channels], sums = new float[x.Length];
                Array.Fill(xGradient, 1f);
                fixed (float* xp = x, wp = w, bp = bias, yp = weights, xg = xGradient, wg = wGradient, bg = biasGradient, sp = sums)
                {
                    var call = new CausalConvGradientCall
                    {
                        Forward = new CausalConvCall
                        {
                            Tokens = tokens,
                            Taps = taps,
                            Reverse = reverse,
                            SumsOnly = sumsOnly,
                            Source = xp,
                            SourceStride = channels,
                            Weights = wp,
                            WeightStride = channels,
                            Bias = bp,
                        },
                        Gradients = new LayerGradients
                        {
                            Output = yp,
                            OutputStride = channels,
                            Source = xg,
                            SourceStride = channels,
                            AccumulateSource = accumulate,
                            Weight = wg,
                            Bias = bg,
                        },
                        Sums = sp,
                    };
                    kernel.Run(in call, channels);
                }
                double before = accumulate ? 1 : 0;
                NumericalGradient.AssertClose(Array.ConvertAll(xExpected, value => value + before), xGradient, $"{kernel}, x");
                NumericalGradient.AssertClose(wExpected, wGradient, $"{kernel}, w");
                NumericalGradient.AssertClose(biasExpected, biasGradient, $"{kernel}, b");
            }
        }

        double Loss(double[] x, double[] w, double[] b)
        {
            double loss = 0;
            for (int i = 0; i < tokens; i++)
            {
                for (int e = 0; e < channels; e++)
                {
                    double sum = b[e];
                    for (int k = Math.Max(0, taps - 1 - i); k < taps; k++)
                        sum += w[(k * channels) + e] * x[(At(i - taps + 1 + k) * channels) + e];
                    loss += weights[(At(i) * channels) + e] * (sumsOnly ? sum : sum / (1 + Math.Exp(-sum)));
                }
            }
            return loss;
        }

        int At(int i) => reverse ? tokens - 1 - i : i;
    }

    private static double[] Doubles(float[] values) => Array.ConvertAll(values, value => (double)value);
}
