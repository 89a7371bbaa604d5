using System.Numerics;

namespace Bitis.Kernels.Rounding;

/// <summary>The errors of rounding values to levels, <c>x̂ = s·clamp(round(x / s), low, high)</c>.</summary>
internal static class RoundingError
{
    /// <summary>Σ (x − x̂)² for levels −max to max.</summary>
    /// <param name="values">x.</param>
    /// <param name="scale">s.</param>
    /// <param name="max">The largest level.</param>
    public static double Square(ReadOnlySpan<float> values, float scale, float max)
    {
        float inverse = 1 / scale;
        Vector<float> sums = Vector<float>.Zero, limit = new(max);
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var value = new Vector<float>(values[i..]);
            Vector<float> level = Vector.Min(Vector.Max(Vector.Round(value * inverse), -limit), limit);
            Vector<float> error = value - (level * scale);
            sums += error * error;
        }
        double sum = Vector.Sum(sums);
        for (; i < values.Length; i++)
        {
            double error = values[i] - (Math.Clamp(MathF.Round(values[i] * inverse), -max, max) * scale);
            sum += error * error;
        }
        return sum;
    }

    /// <summary>The length of a histogram's arrays for some bins: whole vectors.</summary>
    public static int Padded(int count) =>
        (count + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;

    /// <summary>Σ (x − x̂)² for the bins of a histogram.</summary>
    /// <remarks>
    /// Values inside the range of the levels are taken as spread evenly over their bin, which adds the bin's variance.
    /// </remarks>
    /// <param name="centers">The centers of the bins, <see cref="Padded"/>.</param>
    /// <param name="counts">The number of values of each bin, 0 in the padding.</param>
    /// <param name="binVariance">The variance of values within a bin.</param>
    /// <param name="scale">s.</param>
    /// <param name="lowest">The lowest level, less the zero point.</param>
    /// <param name="highest">The highest level, less the zero point.</param>
    public static double Square(
        float[] centers, float[] counts, float binVariance, float scale, float lowest, float highest)
    {
        float inverse = 1 / scale;
        Vector<float> low = new(lowest), high = new(highest);
        Vector<float> sums = Vector<float>.Zero, variance = new(binVariance);
        for (int i = 0; i < centers.Length; i += Vector<float>.Count)
        {
            var value = new Vector<float>(centers, i);
            Vector<float> unclipped = Vector.Round(value * inverse);
            Vector<float> level = Vector.Min(Vector.Max(unclipped, low), high);
            Vector<float> error = value - (level * scale);
            Vector<float> inside = Vector.ConditionalSelect(
                Vector.Equals(unclipped, level), variance, Vector<float>.Zero);
            sums += ((error * error) + inside) * new Vector<float>(counts, i);
        }
        return Vector.Sum(sums);
    }

    /// <summary>Σ |x − s·clamp(round(x / s), lowest, highest)|^2.4.</summary>
    public static double Power(ReadOnlySpan<float> values, float scale, float lowest, float highest)
    {
        float inverse = 1 / scale;
        Vector<float> sum = Vector<float>.Zero, low = new(lowest), high = new(highest);
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var x = new Vector<float>(values[i..]);
            Vector<float> level = Vector.Min(Vector.Max(Vector.Round(x * inverse), low), high);
            sum += To2Point4(Vector.Abs(x - (level * scale)));
        }
        double total = Vector.Sum(sum);
        for (; i < values.Length; i++)
        {
            float level = Math.Clamp(MathF.Round(values[i] * inverse), lowest, highest);
            total += Math.Pow(Math.Abs(values[i] - (level * scale)), 2.4);
        }
        return total;
    }

    /// <summary>x^2.4 = 2^(2.4·log₂ x), relative error 1e-5.</summary>
    /// <remarks>With x = m·2ᵉ, m around 1, and s = (m − 1) / (m + 1): log₂ m = 2/ln 2·atanh s.</remarks>
    private static Vector<float> To2Point4(Vector<float> x)
    {
        Vector<float> one = Vector<float>.One;
        Vector<float> clamped = Vector.Min(Vector.Max(x, new Vector<float>(1e-15f)), new Vector<float>(1e15f));
        Vector<int> offset = new(0x3F3504F3), bits = Vector.AsVectorInt32(clamped) - offset; // from √½ on
        Vector<float> exponent = Vector.ConvertToSingle(Vector.ShiftRightArithmetic(bits, 23));
        Vector<float> m = Vector.AsVectorSingle((bits & new Vector<int>(0x7FFFFF)) + offset);
        Vector<float> s = (m - one) / (m + one), q = s * s;
        Vector<float> p = (q * 0.4121986f) + new Vector<float>(0.5770780f);
        p = (p * q) + new Vector<float>(0.9617967f);
        p = (p * q) + new Vector<float>(2.8853901f);
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
