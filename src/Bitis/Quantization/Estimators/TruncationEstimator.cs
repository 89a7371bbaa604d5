using System.Numerics;
using System.Numerics.Tensors;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Estimators;

/// <summary>
/// PTQ4VM's search for first scales: of 100 ranges, cut more and more, the one with the least mean |x − x̂|^2.4, over the values
/// themselves. An activation's range is cut at both ends by the same share of its width, before it is widened to contain 0;
/// the whole range is not among the candidates. This is what the authors' code does.
/// </summary>
internal sealed class TruncationEstimator : IRangeEstimator
{
    private const int Candidates = 100;

    public bool NeedsHistograms => false;

    public bool NeedsValues => true;

    public IRangeEstimator WithoutValues => new MseEstimator();

    public ValueRange ActivationRange(SiteStatistics statistics, int group, int bits)
    {
        ValueRange full = statistics.Range(group), best = full;
        int levels = UniformQuantizer.LevelsOf(bits, isSymmetric: false).Max;
        double least = double.PositiveInfinity;
        // From half the width on nothing would be left of the range.
        for (int k = 1; k < Candidates / 2; k++)
        {
            float share = (float)k / Candidates, low = (full.Low * (1 - share)) + (full.High * share), high = (full.Low * share) + (full.High * (1 - share));
            float scale = Math.Max((high - low) / levels, 1e-8f), zero = MathF.Round(-low / scale);
            double error = 0;
            foreach (ReadOnlyMemory<float> row in statistics.Values(group))
            {
                error += Error(row.Span, scale, -zero, levels - zero);
                if (error >= least)
                    break;
            }
            if (error < least)
                (least, best) = (error, new ValueRange(low, high));
        }
        return best;
    }

    public float WeightMagnitude(ReadOnlySpan<float> weights, int bits)
    {
        float largest = MathF.Abs(TensorPrimitives.MaxMagnitude(weights)), best = largest;
        int levels = UniformQuantizer.LevelsOf(bits, isSymmetric: true).Max;
        double least = double.PositiveInfinity;
        for (int k = 1; k <= Candidates; k++)
        {
            float magnitude = largest * k / Candidates;
            double error = Error(weights, Math.Max(magnitude / levels, 1e-8f), -levels, levels);
            if (error < least)
                (least, best) = (error, magnitude);
        }
        return best;
    }

    /// <summary>Σ |x − s·clamp(round(x / s), lowest, highest)|^2.4.</summary>
    internal static double Error(ReadOnlySpan<float> values, float scale, float lowest, float highest)
    {
        float inverse = 1 / scale;
        Vector<float> sum = Vector<float>.Zero, low = new(lowest), high = new(highest);
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var x = new Vector<float>(values[i..]);
            Vector<float> level = Vector.Min(Vector.Max(Vector.Round(x * inverse), low), high);
            sum += Power(Vector.Abs(x - (level * scale)));
        }
        double total = Vector.Sum(sum);
        for (; i < values.Length; i++)
        {
            float level = Math.Clamp(MathF.Round(values[i] * inverse), lowest, highest);
            total += Math.Pow(Math.Abs(values[i] - (level * scale)), 2.4);
        }
        return total;
    }

    /// <summary>
    /// x^2.4 = 2^(2.4·log₂ x), relative error 1e-5. With x = m·2ᵉ, m around 1, and s = (m − 1) / (m + 1): log₂ m = 2/ln 2·atanh s.
    /// </summary>
    private static Vector<float> Power(Vector<float> x)
    {
        Vector<float> one = Vector<float>.One, clamped = Vector.Min(Vector.Max(x, new Vector<float>(1e-15f)), new Vector<float>(1e15f));
        Vector<int> offset = new(0x3F3504F3), bits = Vector.AsVectorInt32(clamped) - offset; // from √½ on
        Vector<float> exponent = Vector.ConvertToSingle(Vector.ShiftRightArithmetic(bits, 23));
        Vector<float> m = Vector.AsVectorSingle((bits & new Vector<int>(0x7FFFFF)) + offset);
        Vector<float> s = (m - one) / (m + one), q = s * s;
        Vector<float> p = (((((q * 0.4121986f) + new Vector<float>(0.5770780f)) * q) + new Vector<float>(0.9617967f)) * q) + new Vector<float>(2.8853901f);
        Vector<float> y = ((s * p) + exponent) * 2.4f;

        Vector<float> whole = Vector.Round(y), f = y - whole;
        Vector<float> power = (f * 0.001339887f) + new Vector<float>(0.009618437f);
        power = (power * f) + new Vector<float>(0.05550327f);
        power = (power * f) + new Vector<float>(0.2402265f);
        power = (power * f) + new Vector<float>(0.6931472f);
        power = (power * f) + one;
        return power * Vector.AsVectorSingle(Vector.ShiftLeft(Vector.ConvertToInt32(whole) + new Vector<int>(127), 23));
    }
}
