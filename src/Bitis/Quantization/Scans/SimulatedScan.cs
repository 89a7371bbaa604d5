using Bitis.Kernels.Rounding;
using Bitis.Kernels.Simd;
using Bitis.Quantization.Quantizers;
using Bitis.Tensors;

namespace Bitis.Quantization.Scans;

/// <summary>A <see cref="QuantizedScan"/> as it is defined, step by step: the oracle of the integer kernels.</summary>
internal static class SimulatedScan
{
    /// <summary>Scans a batch.</summary>
    /// <param name="scan">The quantizers.</param>
    /// <param name="inputs">
    /// u and Δ before its softplus <c>[batch, tokens, channels]</c>, B and C <c>[batch, tokens, states]</c>.
    /// </param>
    /// <param name="d">D, <c>[channels]</c>.</param>
    /// <returns>y, as u.</returns>
    public static FloatTensor Run(QuantizedScan scan, ReadOnlySpan<FloatTensor> inputs, FloatTensor d)
    {
        FloatTensor u = inputs[0], delta = inputs[1], b = inputs[2], c = inputs[3];
        FloatTensor y = FloatTensor.Uninitialized(u.Shape);
        int batch = u.Shape[0], channels = u.Shape[2];
        Parallel.For(0, batch * channels, i => RunChannel(scan, u, delta, b, c, d, y, i / channels, i % channels));
        return y;
    }

    private static void RunChannel(
        QuantizedScan scan, FloatTensor u, FloatTensor delta, FloatTensor b, FloatTensor c, FloatTensor d,
        FloatTensor y, int image, int channel)
    {
        int tokens = u.Shape[1], channels = u.Shape[2], states = b.Shape[2], group = 0;
        var h = new int[states];
        float inputFactor = scan.InputFactor(0, channel), outputFactor = scan.OutputFactor(0, channel);
        for (int t = 0; t < tokens; t++)
        {
            if (scan.HiddenState.GroupOf(t) != group)
            {
                float rescale = scan.Rescale(++group);
                for (int n = 0; n < states; n++)
                {
                    int rescaled = (int)Levels.Limit(MathF.Round(h[n] * rescale), -32768f, 32767f);
                    h[n] = Level(rescaled, 1 << (scan.HiddenShift - 1), scan.HiddenShift);
                }
                (inputFactor, outputFactor) = (scan.InputFactor(group, channel), scan.OutputFactor(group, channel));
            }
            int row = (image * tokens) + t;
            int uGroup = QuantizedScan.GroupOf(scan.U, channel), bGroup = QuantizedScan.GroupOf(scan.B, t),
                cGroup = QuantizedScan.GroupOf(scan.C, t);
            int qu = scan.U.Quantize(u.Span[(row * channels) + channel], uGroup) - scan.U.ZeroPoints[uGroup];
            float step = delta.Span[(row * channels) + channel];
            int qDelta = scan.Delta.Quantize(scan.Delta.IsBeforeSoftplus ? step : VectorMath.Softplus(step));
            float product = qu * scan.Delta.Multiples[qDelta] * inputFactor * scan.B.Scales[bGroup];
            int v = (int)Levels.Limit(MathF.Round(product), -32768f, 32767f);
            int sum = 0;
            for (int n = 0; n < states; n++)
            {
                int code = Math.Clamp(
                    scan.DeltaCodes[qDelta] + scan.RateCodes[(channel * states) + n], 0, QuantizedScan.Codes - 1);
                int input = scan.B.Quantize(b.Span[(row * states) + n], bGroup) << (16 - scan.B.Bits);
                h[n] = Level(
                    Clamp16(Product(scan.DecayTable[code], h[n]) + Product(v, input)), scan.RoundingOffset(t, n),
                    scan.HiddenShift);
                sum += h[n] * scan.C.Quantize(c.Span[(row * states) + n], cGroup);
            }
            y.Span[(row * channels) + channel] = (sum * outputFactor * scan.C.Scales[cGroup]) + (
                scan.SkipFactor(d.Span[channel], channel) * qu);
        }
    }

    /// <summary>x ∗ y = (x·y + 2¹⁴) ≫ 15.</summary>
    private static int Product(int x, int y) => ((x * y) + (1 << 14)) >> 15;

    private static int Clamp16(int x) => Math.Clamp(x, short.MinValue, short.MaxValue);

    /// <summary>A number whose lower bits are 0.</summary>
    private static int Level(int x, int offset, int shift) => Clamp16(x + offset) & (-1 << shift);
}
