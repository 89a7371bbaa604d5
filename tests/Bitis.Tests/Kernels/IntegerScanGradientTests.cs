using Bitis.Kernels.Rounding;
using Bitis.Kernels.Scan;
using Bitis.Kernels.Simd;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Tests.Kernels;

/// <summary>Every form of the integer scan's backward pass against its equations in float64; and, with fine grids, against the float scan's.</summary>
public sealed unsafe class IntegerScanGradientTests
{
    private static readonly string[] Names = ["u", "delta", "B", "C", "sums"];

    [Theory]
    [InlineData(1, 1, 1, 8, 1)]
    [InlineData(7, 18, 16, 4, 3)]
    [InlineData(12, 5, 3, 6, 1)]
    [InlineData(9, 33, 8, 4, 4)]
    [InlineData(5, 16, 21, 5, 2)] // two registers, the second one in part
    public void Every_form_equals_the_equations_in_float64(int tokens, int channels, int states, int bits, int groups)
    {
        foreach (bool hasFineScales in (bool[])[false, true])
        {
            foreach (bool reverse in (bool[])[false, true])
            {
                var data = new IntegerScanCase(tokens, channels, states, bits, groups, hasFineScales, reverse);
                double[][] expected = Expected(data);
                foreach (IntegerScanGradientKernel kernel in IntegerScanGradient.Table.Runnable)
                {
                    float[][] actual = Run(kernel, data, accumulateU: false);
                    for (int i = 0; i < expected.Length; i++)
                        NumericalGradient.AssertClose(expected[i], actual[i], $"{kernel} {data}, {Names[i]}");
                }
            }
        }
    }

    [Fact]
    public void The_gradient_of_u_adds_to_what_is_there_and_those_of_scales_always_do()
    {
        var data = new IntegerScanCase(6, 18, 4, 4, 2, HasFineScales: true, Reverse: true);
        foreach (IntegerScanGradientKernel kernel in IntegerScanGradient.Table.Runnable)
        {
            float[][] once = Run(kernel, data, accumulateU: false), again = Run(kernel, data, accumulateU: true, start: 1);
            Assert.All(once[0].Zip(again[0]), pair => Assert.Equal(pair.First + 1, pair.Second, 1e-4f));
            Assert.All(once[4].Zip(again[4]), pair => Assert.Equal(pair.First + 1, pair.Second, 1e-3f));
            Assert.Equal(Sample.Bits(once[1]), Sample.Bits(again[1]));
        }
    }

    [Fact]
    public void With_fine_grids_it_is_nearly_that_of_the_float_scan()
    {
        var data = new IntegerScanCase(24, 32, 8, 8, 1, HasFineScales: false, Reverse: false) { CoversAll = true };
        float[][] quantized = Run(IntegerScanGradient.Table.Best, data, accumulateU: false), exact = RunFloat(data);
        for (int i = 0; i < exact.Length; i++)
        {
            double cosine = System.Numerics.Tensors.TensorPrimitives.CosineSimilarity<float>(quantized[i], exact[i]);
            Assert.True(cosine > 0.99, $"{Names[i]}: {cosine}");
        }
    }

    private static float[] OutputGradient(IntegerScanCase data) => Sample.Floats(20, data.Tokens * data.Channels);

    internal static float[][] Run(IntegerScanGradientKernel kernel, IntegerScanCase data, bool accumulateU, float start = 0)
    {
        QuantizedScan scan = data.Scan();
        IntegerScanTables constants = scan.TablesFor(data.D, data.Tokens);
        using var packed = new PackedScan(constants);
        using var tables = new ScanGradientTables(packed, constants, data.ALog, data.D);
        var layout = new ScanSums(data.Channels, data.Tokens, tables.Groups);
        float[][] inputs = [data.U, data.Delta, data.B, data.C, OutputGradient(data)];
        GuardedBuffer<float>[] sources = [.. inputs.Select(values => new GuardedBuffer<float>(values))];
        GuardedBuffer<float>[] targets = [.. inputs.Take(4).Select(values => new GuardedBuffer<float>(values.Length)), new(layout.Length)];
        using var scratch = new GuardedBuffer<float>(IntegerScanGradient.ScratchLength(data.Tokens, data.States));
        targets[0].Span.Fill(start);
        targets[4].Span.Fill(start);
        var call = new IntegerScanGradientCall
        {
            Forward = new IntegerScanCall
            {
                Tokens = data.Tokens,
                Reverse = data.Reverse,
                U = sources[0].Pointer,
                UStride = data.Channels,
                Delta = sources[1].Pointer,
                DeltaStride = data.Channels,
                B = sources[2].Pointer,
                BStride = data.States,
                C = sources[3].Pointer,
                CStride = data.States,
            },
            Gradients = new ScanGradients
            {
                Output = sources[4].Pointer,
                OutputStride = data.Channels,
                U = targets[0].Pointer,
                UStride = data.Channels,
                AccumulateU = accumulateU,
                Delta = targets[1].Pointer,
                DeltaStride = data.Channels,
                B = targets[2].Pointer,
                BStride = data.States,
                C = targets[3].Pointer,
                CStride = data.States,
            },
            Sums = targets[4].Pointer,
        };
        kernel.Run(tables, in call, scratch.Pointer);
        float[][] results = [.. targets.Select(target => target.Span.ToArray())];
        foreach (GuardedBuffer<float> buffer in sources.Concat(targets))
            buffer.Dispose();
        return results;
    }

    /// <summary>The equations of <see cref="IntegerScanGradient"/>, one number after the other.</summary>
    private static double[][] Expected(IntegerScanCase data)
    {
        QuantizedScan scan = data.Scan();
        int tokens = data.Tokens, channels = data.Channels, states = data.States;
        var layout = new ScanSums(channels, tokens, scan.HiddenState.GroupScales.Count);
        Tensor u = data.Ordered(data.U, channels), x = data.Ordered(data.Delta, channels), yGradient = data.Ordered(OutputGradient(data), channels);
        Tensor b = data.Ordered(data.B, states), c = data.Ordered(data.C, states);
        double[] uGradient = new double[u.Length], xGradient = new double[u.Length], bGradient = new double[b.Length], cGradient = new double[b.Length];
        var sums = new double[layout.Length];
        int half = 1 << (scan.HiddenState.Bits - 1);
        for (int e = 0; e < channels; e++)
        {
            double D = data.D.Span[e];
            double[,] before = new double[tokens, states], after = new double[tokens, states];
            double[] h = new double[states], carried = new double[states];
            for (int t = 0; t < tokens; t++)
            {
                double scale = HiddenScale(t, e);
                for (int n = 0; n < states; n++)
                {
                    if (t > 0 && scan.HiddenState.GroupOf(t) != scan.HiddenState.GroupOf(t - 1))
                        h[n] = scale * Math.Clamp(Math.Round(h[n] / scale), -half, half - 1);
                    before[t, n] = h[n];
                    h[n] = scale * Math.Clamp(Math.Floor((V(t, e, n, h[n]) / scale) + Offset(t, n)), -half, half - 1);
                    after[t, n] = h[n];
                }
            }
            for (int t = tokens - 1; t >= 0; t--)
            {
                int i = (t * channels) + e, level = DeltaLevel(x.Span[i]);
                double scale = HiddenScale(t, e), y = yGradient.Span[i], delta = scan.Delta.Dequantize(level), input = U(t, e), throughB = 0, throughA = 0;
                for (int n = 0; n < states; n++)
                {
                    double gradient = carried[n] + (C(t, n) * y), v = V(t, e, n, before[t, n]) / scale;
                    double rounded = Math.Floor(v + Offset(t, n)), q = Math.Clamp(rounded, -half, half - 1);
                    cGradient[(t * states) + n] += y * after[t, n];
                    sums[layout.HiddenState + (scan.HiddenState.GroupOf(t) * channels) + e] += gradient * (q - (rounded == q ? v : 0));
                    gradient = rounded == q ? gradient : 0;
                    bGradient[(t * states) + n] += gradient * delta * input;
                    throughB += gradient * B(t, n);
                    carried[n] = gradient * Decay(t, e, n);
                    throughA += carried[n] * before[t, n] * -Math.Exp(data.ALog.Span[(e * states) + n]);
                }
                (uGradient[i], double slope) = Pass(u.Span[i] * (double)scan.U.InverseScales[Group(scan.U, e)], (D * y) + (delta * throughB), -Zero(e), scan.U.MaxLevel - Zero(e));
                sums[ScanSums.U + e] += slope;
                double deltaGradient = (input * throughB) + throughA, softplus = Math.Log(1 + Math.Exp(x.Span[i]));
                if (scan.Delta.IsBeforeSoftplus)
                {
                    double z = -scan.Delta.Lowest / scan.Delta.Scale;
                    deltaGradient *= 1 - Math.Exp(-delta);
                    (xGradient[i], slope) = Pass(x.Span[i] / (double)scan.Delta.Scale, deltaGradient, -z, scan.Delta.MaxLevel - z, z);
                    sums[layout.DeltaZeroPoint] -= scan.Delta.Scale * (deltaGradient - xGradient[i]);
                }
                else
                {
                    (xGradient[i], slope) = Pass(softplus / scan.Delta.Scale, deltaGradient, 0, scan.Delta.MaxLevel);
                    xGradient[i] *= 1 - Math.Exp(-softplus);
                }
                sums[layout.DeltaScale] += slope;
            }
        }
        PassStates(scan.B, b, bGradient, layout.B);
        PassStates(scan.C, c, cGradient, layout.C);
        return [InMemory(uGradient, channels), InMemory(xGradient, channels), InMemory(bGradient, states), InMemory(cGradient, states), sums];

        double HiddenScale(int t, int e) => (double)scan.HiddenState.GroupScales[scan.HiddenState.GroupOf(t)] * scan.HiddenState.ChannelScale(e);
        double Offset(int t, int n) => scan.RoundingOffset(t, n) / (double)(1 << scan.HiddenShift);
        int Group(UniformQuantizer grid, int i) => grid.Granularity == Granularity.PerTensor ? 0 : i;
        int Zero(int e) => scan.U.ZeroPoints[Group(scan.U, e)];
        double U(int t, int e) => Value(scan.U, u.Span[(t * channels) + e], e);
        double B(int t, int n) => Value(scan.B, b.Span[(t * states) + n], t);
        double C(int t, int n) => Value(scan.C, c.Span[(t * states) + n], t);
        double Value(UniformQuantizer grid, float value, int i) => grid.Dequantize(grid.Quantize(value, Group(grid, i)), Group(grid, i));
        int DeltaLevel(float value) => scan.Delta.Quantize(scan.Delta.IsBeforeSoftplus ? value : VectorMath.Softplus(value));
        double Decay(int t, int e, int n) => scan.DecayTable[Math.Clamp(
            scan.DeltaCodes[DeltaLevel(x.Span[(t * channels) + e])] + scan.RateCodes[(e * states) + n], 0, QuantizedScan.Codes - 1)] / 32768.0;
        double V(int t, int e, int n, double state) => (Decay(t, e, n) * state) + (scan.Delta.Dequantize(DeltaLevel(x.Span[(t * channels) + e])) * U(t, e) * B(t, n));

        void PassStates(UniformQuantizer grid, Tensor values, double[] gradients, int sum)
        {
            for (int i = 0; i < gradients.Length; i++)
            {
                (gradients[i], double slope) = Pass(values.Span[i] / (double)grid.Scales[Group(grid, i / states)], gradients[i], -grid.MaxLevel, grid.MaxLevel);
                sums[sum + (i / states)] += slope;
            }
        }

        double[] InMemory(double[] ordered, int columns) =>
            [.. Enumerable.Range(0, ordered.Length).Select(i => ordered[((data.Reverse ? tokens - 1 - (i / columns) : i / columns) * columns) + (i % columns)])];
    }

    /// <summary>The straight-through gradients of x and of its scale, for v = x/s.</summary>
    /// <param name="v">v.</param>
    /// <param name="gradient">That of the level's value.</param>
    /// <param name="low">The lowest level less the zero point.</param>
    /// <param name="high">The highest one.</param>
    /// <param name="zero">A zero point that is no level.</param>
    private static (double Value, double Scale) Pass(double v, double gradient, double low, double high, double zero = 0)
    {
        bool isInside = v >= low && v <= high;
        return (isInside ? gradient : 0, gradient * (Math.Clamp(Math.Round(v + zero) - zero, low, high) - (isInside ? v : 0)));
    }

    private static float[][] RunFloat(IntegerScanCase data) => new ScanGradientRun(data.Tokens, data.Channels, data.States)
    {
        U = data.U,
        Delta = data.Delta,
        A = [.. data.ALog.Span.ToArray().Select(logarithm => -MathF.Exp(logarithm))],
        B = data.B,
        C = data.C,
        D = data.D.Span.ToArray(),
        OutputGradient = OutputGradient(data),
    }.Run(SelectiveScanGradient.Table.Best)[..4];
}
