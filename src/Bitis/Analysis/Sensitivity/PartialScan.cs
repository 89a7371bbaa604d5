using Bitis.Kernels.Simd;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Analysis.Sensitivity;

/// <summary>Computes a selective scan in float32 with some of its sites on their levels.</summary>
/// <remarks>
/// With all sites it differs from <see cref="SimulatedScan"/> by the rounding of 16-bit numbers and by dither only.
/// </remarks>
/// <param name="scan">The quantizers.</param>
/// <param name="sites">The sites that are quantized.</param>
/// <param name="threads">How many threads compute.</param>
internal sealed class PartialScan(QuantizedScan scan, IReadOnlySet<SiteKind> sites, int threads)
{
    private readonly bool _u = sites.Contains(SiteKind.U), _delta = sites.Contains(SiteKind.Delta),
        _decay = sites.Contains(SiteKind.Decay), _b = sites.Contains(SiteKind.B), _c = sites.Contains(SiteKind.C),
        _h = sites.Contains(SiteKind.HiddenState);

    /// <summary>Scans a batch.</summary>
    /// <param name="inputs">
    /// u and Δ before its softplus <c>[batch, tokens, channels]</c>, B and C <c>[batch, tokens, states]</c>.
    /// </param>
    /// <param name="parameters">A_log <c>[channels, states]</c> and D <c>[channels]</c>.</param>
    /// <returns>y, as u.</returns>
    public FloatTensor Run(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor u = inputs[0], delta = inputs[1], b = Levels(inputs[2], scan.B, _b),
            c = Levels(inputs[3], scan.C, _c), rates = parameters[0], d = parameters[1];
        FloatTensor y = FloatTensor.Uninitialized(u.Shape);
        int channels = u.Shape[2];
        Parallel.For(
            0, u.Shape[0] * channels, new ParallelOptions { MaxDegreeOfParallelism = threads },
            i => RunChannel(u, delta, b, c, rates, d, y, i / channels, i % channels));
        return y;
    }

    private void RunChannel(
        FloatTensor u, FloatTensor delta, FloatTensor b, FloatTensor c, FloatTensor rates, FloatTensor d, FloatTensor y,
        int image, int channel)
    {
        int tokens = u.Shape[1], channels = u.Shape[2], states = b.Shape[2];
        var h = new float[states];
        int uGroup = QuantizedScan.GroupOf(scan.U, channel);
        for (int t = 0; t < tokens; t++)
        {
            int row = (image * tokens) + t, place = (row * channels) + channel;
            float input = u.Span[place], step = VectorMath.Softplus(delta.Span[place]);
            if (_u)
                input = scan.U.Dequantize(scan.U.Quantize(input, uGroup), uGroup);
            if (_delta)
            {
                float value = scan.Delta.IsBeforeSoftplus ? delta.Span[place] : step;
                step = (float)scan.Delta.Dequantize(scan.Delta.Quantize(value));
            }
            int code = step == 0 ? sbyte.MinValue : (int)Math.Clamp(
                Math.Round((Math.Log2(step) * QuantizedScan.CodesPerOctave) + QuantizedScan.CodeOfOne),
                sbyte.MinValue, sbyte.MaxValue);
            float scale = scan.HiddenState.GroupScales[scan.HiddenState.GroupOf(t)]
                * scan.HiddenState.ChannelScale(channel);
            float highest = (1 << (scan.HiddenState.Bits - 1)) - 1, sum = 0;
            for (int n = 0; n < states; n++)
            {
                int rate = (channel * states) + n;
                float decay = _decay
                    ? scan.DecayTable[Math.Clamp(code + scan.RateCodes[rate], 0, QuantizedScan.Codes - 1)] / 32768f
                    : MathF.Exp(-step * MathF.Exp(rates.Span[rate]));
                h[n] = (decay * h[n]) + (step * input * b.Span[(row * states) + n]);
                if (_h)
                    h[n] = scale * Kernels.Rounding.Levels.Limit(MathF.Round(h[n] / scale), -highest - 1, highest);
                sum += h[n] * c.Span[(row * states) + n];
            }
            y.Span[place] = sum + (d.Span[channel] * input);
        }
    }

    /// <summary>B or C on its levels.</summary>
    private static FloatTensor Levels(FloatTensor values, UniformQuantizer quantizer, bool isQuantized)
    {
        if (!isQuantized)
            return values;
        int states = values.Shape[2], tokens = values.Shape[1];
        FloatTensor result = FloatTensor.Uninitialized(values.Shape);
        for (int i = 0; i < values.Length; i++)
        {
            int group = QuantizedScan.GroupOf(quantizer, i / states % tokens);
            result.Span[i] = quantizer.Dequantize(quantizer.Quantize(values.Span[i], group), group);
        }
        return result;
    }
}
