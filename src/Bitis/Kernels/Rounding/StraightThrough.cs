using System.Numerics;
using System.Runtime.CompilerServices;

namespace Bitis.Kernels.Rounding;

/// <summary>Straight-through gradients of rounding to levels.</summary>
/// <remarks>1 where the unrounded value lies strictly between the lowest and the highest level, else 0.</remarks>
internal static unsafe class StraightThrough
{
    /// <summary>Turns g of a row into ∂L/∂x, and adds Σ g·1·x to the sums of its channels.</summary>
    /// <param name="g">∂L/∂x̂.</param>
    /// <param name="x">The unrounded values.</param>
    /// <param name="factors">The factor of each value before rounding, 1/m.</param>
    /// <param name="count">The length of the row.</param>
    /// <param name="inverseScale">1/s.</param>
    /// <param name="zero">The zero point z.</param>
    /// <param name="max">The highest level; the lowest is 0.</param>
    /// <param name="smoothingSums">Σ g·1·x of each channel, which is added to.</param>
    /// <param name="target">∂L/∂x; null if nobody needs it.</param>
    /// <param name="accumulate">Add to the target instead of overwriting it.</param>
    /// <returns>Σ g·(q_x − z − 1·u/s), and Σ g where the value is outside of the levels.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (float ScaleSum, float ZeroSum) PassBack(
        float* g,
        float* x,
        float* factors,
        int count,
        float inverseScale,
        float zero,
        float max,
        float* smoothingSums,
        float* target,
        bool accumulate)
    {
        Vector<float> lowest = new(-zero), highest = new(max - zero), inverse = new(inverseScale);
        Vector<float> scaleSums = default, zeroSums = default;
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> gradient = Vector.Load(g + i), value = Vector.Load(x + i), factor = Vector.Load(factors + i);
            Vector<float> v = value * factor * inverse; // u/s
            Vector<float> level = Vector.Min(Vector.Max(Vector.Round(v), lowest), highest); // q − z
            Vector<float> inside = Vector.AsVectorSingle(Vector.GreaterThan(v, lowest) & Vector.LessThan(v, highest));
            Vector<float> passed = inside & gradient;
            scaleSums += (gradient * level) - (passed * v);
            zeroSums += gradient - passed;
            ((passed * value) + Vector.Load(smoothingSums + i)).Store(smoothingSums + i);
            if (target == null)
                continue;
            Vector<float> result = passed * factor;
            (accumulate ? Vector.Load(target + i) + result : result).Store(target + i);
        }
        float scaleSum = Vector.Sum(scaleSums), zeroSum = Vector.Sum(zeroSums);
        for (; i < count; i++)
        {
            float v = x[i] * factors[i] * inverseScale, level = Math.Clamp(MathF.Round(v), -zero, max - zero);
            bool inside = v > -zero && v < max - zero;
            float passed = inside ? g[i] : 0;
            scaleSum += (g[i] * level) - (passed * v);
            zeroSum += g[i] - passed;
            smoothingSums[i] += passed * x[i];
            if (target != null)
                target[i] = accumulate ? target[i] + (passed * factors[i]) : passed * factors[i];
        }
        return (scaleSum, zeroSum);
    }

    /// <summary>
    /// Adds Σ G·1·W of a row of weights to the smoothing's gradient.
    /// </summary>
    /// <remarks>
    /// The largest weight of a row often lies on the last level itself. There the official gradient depends on the
    /// rounding of W·m/s: hence a division, as in the official code.
    /// </remarks>
    /// <param name="g">G = ∂L/∂Ŵ of the row.</param>
    /// <param name="weight">W.</param>
    /// <param name="smoothing">m.</param>
    /// <param name="scale">s_i.</param>
    /// <param name="max">The highest level; the lowest is its opposite.</param>
    /// <param name="smoothingGradient">The smoothing's gradient, which is added to.</param>
    /// <returns>Σ_j G·(q_w − 1·W·m/s_i).</returns>
    public static float AddWeightGradients(
        ReadOnlySpan<float> g,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> smoothing,
        float scale,
        float max,
        Span<float> smoothingGradient)
    {
        Vector<float> highest = new(max), divisor = new(scale), sums = default;
        int j = 0;
        for (; j <= g.Length - Vector<float>.Count; j += Vector<float>.Count)
        {
            Vector<float> gradient = new(g[j..]), w = new(weight[j..]);
            Vector<float> v = w * new Vector<float>(smoothing[j..]) / divisor;
            Vector<float> level = Vector.Min(Vector.Max(Vector.Round(v), -highest), highest);
            Vector<float> passed = Vector.ConditionalSelect(
                Vector.LessThan(Vector.Abs(v), highest), gradient, Vector<float>.Zero);
            sums += (gradient * level) - (passed * v);
            ((passed * w) + new Vector<float>(smoothingGradient[j..])).CopyTo(smoothingGradient[j..]);
        }
        float sum = Vector.Sum(sums);
        for (; j < g.Length; j++)
        {
            float v = weight[j] * smoothing[j] / scale, level = Math.Clamp(MathF.Round(v), -max, max);
            float passed = Math.Abs(v) < max ? g[j] : 0;
            sum += (g[j] * level) - (passed * v);
            smoothingGradient[j] += passed * weight[j];
        }
        return sum;
    }
}
