using Bitis.KernelHarness.Cases;
using Bitis.Kernels.Scan;
using Bitis.Kernels.Simd;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis.KernelHarness.References;

/// <summary>The equations of <see cref="IntegerScanGradient"/> in float64, one number after the other.</summary>
internal static class IntegerScanEquations
{
    /// <summary>The gradients of u, Δ, B and C, and the sums of the scales' gradients.</summary>
    public static double[][] Gradients(IntegerScanCase data, float[] outputGradient)
    {
        QuantizedScan scan = data.CreateScan();
        int tokens = data.Tokens, channels = data.Channels, states = data.States;
        var layout = new ScanSums(channels, tokens, scan.HiddenState.GroupScales.Count);
        FloatTensor u = data.Ordered(data.U, channels), x = data.Ordered(data.Delta, channels);
        FloatTensor yGradient = data.Ordered(outputGradient, channels);
        FloatTensor b = data.Ordered(data.B, states), c = data.Ordered(data.C, states);
        double[] uGradient = new double[u.Length], xGradient = new double[u.Length];
        double[] bGradient = new double[b.Length], cGradient = new double[b.Length];
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
                double scale = HiddenScale(t, e), y = yGradient.Span[i], delta = scan.Delta.Dequantize(level),
                    input = U(t, e);
                double throughB = 0, throughA = 0;
                for (int n = 0; n < states; n++)
                {
                    double gradient = carried[n] + (C(t, n) * y), v = V(t, e, n, before[t, n]) / scale;
                    double rounded = Math.Floor(v + Offset(t, n)), q = Math.Clamp(rounded, -half, half - 1);
                    cGradient[(t * states) + n] += y * after[t, n];
                    int group = (scan.HiddenState.GroupOf(t) * channels) + e;
                    sums[layout.HiddenState + group] += gradient * (q - (rounded == q ? v : 0));
                    gradient = rounded == q ? gradient : 0;
                    bGradient[(t * states) + n] += gradient * delta * input;
                    throughB += gradient * B(t, n);
                    carried[n] = gradient * Decay(t, e, n);
                    throughA += carried[n] * before[t, n] * -Math.Exp(data.ALog.Span[(e * states) + n]);
                }
                (uGradient[i], double slope) = Pass(
                    u.Span[i] * (double)scan.U.InverseScales[Group(scan.U, e)],
                    (D * y) + (delta * throughB),
                    -Zero(e),
                    scan.U.MaxLevel - Zero(e));
                sums[ScanSums.U + e] += slope;
                double deltaGradient = (input * throughB) + throughA, softplus = Math.Log(1 + Math.Exp(x.Span[i]));
                if (scan.Delta.IsBeforeSoftplus)
                {
                    double z = -scan.Delta.Lowest / scan.Delta.Scale;
                    deltaGradient *= 1 - Math.Exp(-delta);
                    (xGradient[i], slope) = Pass(
                        x.Span[i] / (double)scan.Delta.Scale, deltaGradient, -z, scan.Delta.MaxLevel - z, z);
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
        return
        [
            InMemory(uGradient, channels),
            InMemory(xGradient, channels),
            InMemory(bGradient, states),
            InMemory(cGradient, states),
            sums,
        ];

        double HiddenScale(int t, int e) =>
            (double)scan.HiddenState.GroupScales[scan.HiddenState.GroupOf(t)] * scan.HiddenState.ChannelScale(e);
        double Offset(int t, int n) => scan.RoundingOffset(t, n) / (double)(1 << scan.HiddenShift);
        int Group(UniformQuantizer quantizer, int i) => quantizer.Granularity == Granularity.PerTensor ? 0 : i;
        int Zero(int e) => scan.U.ZeroPoints[Group(scan.U, e)];
        double U(int t, int e) => Value(scan.U, u.Span[(t * channels) + e], e);
        double B(int t, int n) => Value(scan.B, b.Span[(t * states) + n], t);
        double C(int t, int n) => Value(scan.C, c.Span[(t * states) + n], t);
        double Value(UniformQuantizer quantizer, float value, int i) =>
            quantizer.Dequantize(quantizer.Quantize(value, Group(quantizer, i)), Group(quantizer, i));
        int DeltaLevel(float value) =>
            scan.Delta.Quantize(scan.Delta.IsBeforeSoftplus ? value : VectorMath.Softplus(value));
        double Decay(int t, int e, int n) => scan.DecayTable[Math.Clamp(
            scan.DeltaCodes[DeltaLevel(x.Span[(t * channels) + e])] + scan.RateCodes[(e * states) + n],
            0,
            QuantizedScan.Codes - 1)] / 32768.0;
        double V(int t, int e, int n, double state) => (Decay(t, e, n) * state)
            + (scan.Delta.Dequantize(DeltaLevel(x.Span[(t * channels) + e])) * U(t, e) * B(t, n));

        void PassStates(UniformQuantizer quantizer, FloatTensor values, double[] gradients, int sum)
        {
            for (int i = 0; i < gradients.Length; i++)
            {
                double v = values.Span[i] / (double)quantizer.Scales[Group(quantizer, i / states)];
                (gradients[i], double slope) = Pass(v, gradients[i], -quantizer.MaxLevel, quantizer.MaxLevel);
                sums[sum + (i / states)] += slope;
            }
        }

        double[] InMemory(double[] ordered, int columns) =>
        [
            .. Enumerable.Range(0, ordered.Length).Select(i => ordered[(Row(i / columns) * columns) + (i % columns)]),
        ];

        int Row(int t) => data.Reverse ? tokens - 1 - t : t;
    }

    /// <summary>The straight-through gradients of x and of its scale, for v = x/s.</summary>
    /// <param name="v">v.</param>
    /// <param name="gradient">That of the level's value.</param>
    /// <param name="low">The lowest level less the zero point.</param>
    /// <param name="high">The highest one.</param>
    /// <param name="zero">A zero point that is no level.</param>
    private static (double Value, double Scale) Pass(
        double v, double gradient, double low, double high, double zero = 0)
    {
        bool isInside = v >= low && v <= high;
        double level = Math.Clamp(Math.Round(v + zero) - zero, low, high);
        return (isInside ? gradient : 0, gradient * (level - (isInside ? v : 0)));
    }
}
