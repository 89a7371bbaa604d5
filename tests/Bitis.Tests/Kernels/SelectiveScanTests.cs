using Bitis.Kernels.Activations;
using Bitis.Kernels.Scan;

namespace Bitis.Tests.Kernels;

public sealed unsafe class SelectiveScanTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 16, 16)]
    [InlineData(5, 7, 3)]
    [InlineData(40, 37, 16)]
    [InlineData(17, 32, 1)]
    [InlineData(197, 20, 16)]
    [InlineData(0, 16, 16)]
    public void Every_form_follows_the_float64_recurrence_and_all_forms_agree_bit_for_bit(
        int tokens, int channels, int states)
    {
        foreach (bool reverse in new[] { false, true })
        {
            Check(new Case(tokens, channels, states) { Reverse = reverse, Softplus = true, Gate = true, Skip = true });
            Check(new Case(tokens, channels, states) { Reverse = reverse, Accumulate = true, OutputScale = 0.5f });
            Check(new Case(tokens, channels, states) { Reverse = reverse, Softplus = true, CubicDecay = true }, tolerance: 5e-4);
        }
    }

    [Fact]
    public void A_split_over_channels_gives_the_same_bits()
    {
        var data = new Case(23, 45, 16) { Softplus = true, Gate = true, Skip = true };
        foreach (SelectiveScanKernel kernel in SelectiveScan.Table.Runnable)
            Assert.Equal(Sample.Bits(data.Run(kernel, 0, 45)), Sample.Bits(data.Run(kernel, 0, 5, 38, 45)));
    }

    [Fact]
    public void The_number_of_states_is_checked()
    {
        foreach (int states in new[] { 0, SelectiveScan.MaxStates + 1 })
        {
            Assert.Throws<ArgumentOutOfRangeException>(
                () => SelectiveScan.Run(new SelectiveScanCall { States = states }, 0, 0));
        }
    }

    [Fact]
    public void A_is_packed_as_powers_of_two()
    {
        var packed = new float[6];
        SelectiveScan.PackA([0f, 1f, 2f, 3f, 4f, 5f], packed, channels: 2, states: 3);
        Assert.Equal(-1 / Math.Log(2), packed[0], 1e-6);
        Assert.Equal(-Math.Exp(3) / Math.Log(2), packed[1], 1e-5);
        Assert.Equal(-Math.E / Math.Log(2), packed[2], 1e-6);
        Assert.Throws<ArgumentException>(() => SelectiveScan.PackA([0f], packed, 2, 3));
    }

    private static void Check(Case data, double tolerance = 1e-6)
    {
        (double[] expected, double[] magnitude) = data.Reference();
        int[]? first = null;
        foreach (SelectiveScanKernel kernel in SelectiveScan.Table.Runnable)
        {
            float[] y = data.Run(kernel, 0, data.Channels);
            for (int i = 0; i < y.Length; i++)
            {
                Assert.True(Math.Abs(y[i] - expected[i]) <= tolerance * magnitude[i],
                    $"{kernel} {data} at {i}: {y[i]}, expected {expected[i]} ± {tolerance * magnitude[i]}");
            }
            first ??= Sample.Bits(y);
            Assert.Equal(first, Sample.Bits(y));
        }
    }

    /// <summary>One scan with inputs as a trained Vim has them: small steps, decay rates from 1 to N.</summary>
    private sealed record Case(int Tokens, int Channels, int States)
    {
        private const int Pad = 3;

        public bool Reverse { get; init; }
        public bool Softplus { get; init; }
        public bool CubicDecay { get; init; }
        public bool Gate { get; init; }
        public bool Skip { get; init; }
        public bool Accumulate { get; init; }
        public float OutputScale { get; init; } = 1f;

        private int Row => Channels + Pad;
        private int Count => Tokens == 0 ? 0 : (Tokens * Row) - Pad;
        private float[] U => Sample.Floats(1, Count, -2f, 2f);
        private float[] Delta => Softplus ? Sample.Floats(2, Count, -6f, 2f) : Sample.Floats(2, Count, 0f, 0.5f);
        private float[] ALog => [.. Enumerable.Range(0, Channels * States).Select(i => MathF.Log((i % States) + 1f))];
        private float[] BC => Sample.Floats(3, Tokens * 2 * States);
        private float[] D => Sample.Floats(4, Channels);
        private float[] Z => Sample.Floats(5, Count, -3f, 3f);
        private float[] Before => Sample.Floats(6, Count);

        /// <summary>Scans the ranges between neighbouring <paramref name="cuts"/>; B and C share their rows.</summary>
        public float[] Run(SelectiveScanKernel kernel, params int[] cuts)
        {
            var packed = new float[Channels * States];
            SelectiveScan.PackA(ALog, packed, Channels, States);
            using var u = new GuardedBuffer<float>(U);
            using var delta = new GuardedBuffer<float>(Delta);
            using var a = new GuardedBuffer<float>(packed);
            using var bc = new GuardedBuffer<float>(BC);
            using var d = new GuardedBuffer<float>(D);
            using var z = new GuardedBuffer<float>(Z);
            using var y = new GuardedBuffer<float>(Before);
            var call = new SelectiveScanCall
            {
                Tokens = Tokens,
                States = States,
                Reverse = Reverse,
                U = u.Pointer,
                UStride = Row,
                Delta = delta.Pointer,
                DeltaStride = Row,
                DeltaSoftplus = Softplus,
                CubicDecay = CubicDecay,
                A = a.Pointer,
                AStride = Channels,
                B = bc.Pointer,
                BStride = 2 * States,
                C = bc.Pointer + States,
                CStride = 2 * States,
                D = Skip ? d.Pointer : null,
                Z = Gate ? z.Pointer : null,
                ZStride = Row,
                Y = y.Pointer,
                YStride = Row,
                OutputScale = OutputScale,
                Accumulate = Accumulate,
            };
            for (int i = 1; i < cuts.Length; i++)
                kernel.Run(in call, cuts[i - 1], cuts[i]);
            return y.Span.ToArray();
        }

        /// <summary>The recurrence in float64, and the sum of the absolute values that make up each output.</summary>
        public (double[] Y, double[] Magnitude) Reference()
        {
            float[] u = U, deltas = Delta, aLog = ALog, bc = BC, d = D, z = Z, before = Before;
            double[] y = [.. before.Select(value => (double)value)];
            double[] magnitude = [.. before.Select(value => Math.Abs((double)value))];
            for (int e = 0; e < Channels; e++)
            {
                var h = new double[States];
                var bound = new double[States];
                for (int i = 0; i < Tokens; i++)
                {
                    int t = Reverse ? Tokens - 1 - i : i;
                    int at = (t * Row) + e;
                    double delta = Softplus ? Math.Log(1 + Math.Exp(deltas[at])) : deltas[at];
                    double sum = Skip ? d[e] * (double)u[at] : 0;
                    double absolute = Math.Abs(sum);
                    for (int n = 0; n < States; n++)
                    {
                        double decay = Math.Exp(-delta * Math.Exp(aLog[(e * States) + n]));
                        double input = delta * u[at] * bc[(t * 2 * States) + n];
                        double c = bc[(t * 2 * States) + States + n];
                        h[n] = (decay * h[n]) + input;
                        bound[n] = (decay * bound[n]) + Math.Abs(input);
                        sum += c * h[n];
                        absolute += Math.Abs(c) * bound[n];
                    }
                    double factor = OutputScale * (Gate ? z[at] / (1 + Math.Exp(-z[at])) : 1);
                    y[at] = (Accumulate ? before[at] : 0) + (sum * factor);
                    magnitude[at] = (Accumulate ? Math.Abs(before[at]) : 0) + (absolute * Math.Abs(factor));
                }
            }
            return (y, magnitude);
        }
    }
}
