using Bitis.Kernels.Scan;

namespace Bitis.Tests.Kernels;

[Trait(Speed.Name, Speed.Slow)]
public sealed unsafe class SelectiveScanGradientTests
{
    [Theory]
    [InlineData(1, 1, 1, false)]
    [InlineData(3, 16, 2, true)]
    [InlineData(8, 5, 3, false)]
    [InlineData(9, 19, 4, true)] // a chunk and a token, a register and single channels
    [InlineData(20, 33, 1, false)]
    public void Every_form_equals_finite_differences_in_float64(int tokens, int channels, int states, bool reverse)
    {
        var data = new Case(tokens, channels, states, reverse);
        double[][] expected = data.Numerical();
        foreach (SelectiveScanGradientKernel kernel in SelectiveScanGradient.Table.Runnable)
        {
            float[][] actual = data.Run(kernel, accumulateU: false);
            for (int i = 0; i < expected.Length; i++)
                NumericalGradient.AssertClose(expected[i], actual[i], $"{kernel} {data}, {Case.Names[i]}");
        }
    }

    [Fact]
    public void The_gradient_of_u_adds_to_what_is_there_and_those_of_parameters_always_do()
    {
        var data = new Case(5, 18, 3, Reverse: false);
        foreach (SelectiveScanGradientKernel kernel in SelectiveScanGradient.Table.Runnable)
        {
            float[][] once = data.Run(kernel, accumulateU: false), again = data.Run(kernel, accumulateU: true, start: 1);
            foreach (int i in new[] { 0, 4, 5 }) // u, A, D
            {
                for (int k = 0; k < once[i].Length; k++)
                    Assert.Equal(once[i][k] + 1, again[i][k], 1e-4f);
            }
            Assert.Equal(Sample.Bits(once[1]), Sample.Bits(again[1]));
        }
    }

    /// <summary>A scan whose loss is the sum of its outputs, each with a weight.</summary>
    private sealed record Case(int Tokens, int Channels, int States, bool Reverse)
    {
        public static readonly string[] Names = ["u", "delta", "B", "C", "A", "D"];

        private float[] U => Sample.Floats(1, Tokens * Channels);
        private float[] Delta => Sample.Floats(2, Tokens * Channels); // before the softplus
        private float[] B => Sample.Floats(3, Tokens * States);
        private float[] C => Sample.Floats(4, Tokens * States);
        private float[] A => Array.ConvertAll(Sample.Floats(5, Channels * States), value => -0.1f - (3 * Math.Abs(value)));
        private float[] D => Sample.Floats(6, Channels);
        private float[] Weights => Sample.Floats(7, Tokens * Channels);

        public double[][] Numerical()
        {
            float[][] inputs = [U, Delta, B, C, A, D];
            double[][] values = Array.ConvertAll(inputs, input => Array.ConvertAll(input, value => (double)value));
            return
            [
                .. Enumerable.Range(0, inputs.Length).Select(i => NumericalGradient.Of(
                    point => Loss([.. values[..i], point, .. values[(i + 1)..]]), inputs[i])),
            ];
        }

        public float[][] Run(SelectiveScanGradientKernel kernel, bool accumulateU, float start = 0)
        {
            var data = new ScanGradientRun(Tokens, Channels, States)
            {
                Reverse = Reverse,
                U = U,
                Delta = Delta,
                B = B,
                C = C,
                A = A,
                D = D,
                OutputGradient = Weights,
                AccumulateU = accumulateU,
                Start = start,
            };
            return data.Run(kernel);
        }

        private double Loss(double[][] x)
        {
            double loss = 0;
            for (int e = 0; e < Channels; e++)
            {
                var h = new double[States];
                for (int i = 0; i < Tokens; i++)
                {
                    int t = Reverse ? Tokens - 1 - i : i;
                    double u = x[0][(t * Channels) + e], delta = Math.Log(1 + Math.Exp(x[1][(t * Channels) + e]));
                    double y = x[5][e] * u;
                    for (int n = 0; n < States; n++)
                    {
                        h[n] = (Math.Exp(delta * x[4][(e * States) + n]) * h[n]) + (delta * x[2][(t * States) + n] * u);
                        y += x[3][(t * States) + n] * h[n];
                    }
                    loss += y * Weights[(t * Channels) + e];
                }
            }
            return loss;
        }
    }
}
