using System.Numerics;
using System.Runtime.InteropServices;

namespace Bitis.Kernels.Optimization;

/// <summary>A step of Adam with decoupled weight decay for some neighbouring values of a parameter.</summary>
internal static class AdamWUpdate
{
    /// <summary>Updates weights and moments; the result for a value does not depend on its position.</summary>
    /// <param name="weight">The weights.</param>
    /// <param name="gradient">Their gradients.</param>
    /// <param name="first">Their first moments.</param>
    /// <param name="second">Their second moments.</param>
    /// <param name="k">The numbers of the step.</param>
    public static void Run(
        Span<float> weight,
        ReadOnlySpan<float> gradient,
        Span<float> first,
        Span<float> second,
        in AdamWCoefficients k)
    {
        Span<Vector<float>> w = MemoryMarshal.Cast<float, Vector<float>>(weight);
        ReadOnlySpan<Vector<float>> gradients = MemoryMarshal.Cast<float, Vector<float>>(gradient);
        Span<Vector<float>> m = MemoryMarshal.Cast<float, Vector<float>>(first);
        Span<Vector<float>> v = MemoryMarshal.Cast<float, Vector<float>>(second);
        var epsilon = new Vector<float>(k.Epsilon);
        for (int i = 0; i < w.Length; i++)
        {
            Vector<float> g = gradients[i] * k.GradientFactor;
            m[i] = (m[i] * k.Beta1) + (g * k.Rest1);
            v[i] = (v[i] * k.Beta2) + (g * g * k.Rest2);
            Vector<float> root = (Vector.SquareRoot(v[i]) * k.RootCorrection) + epsilon;
            w[i] = (w[i] * k.Keep) - (m[i] * k.Rate / root);
        }
        for (int i = w.Length * Vector<float>.Count; i < weight.Length; i++)
        {
            float g = gradient[i] * k.GradientFactor;
            first[i] = (first[i] * k.Beta1) + (g * k.Rest1);
            second[i] = (second[i] * k.Beta2) + (g * g * k.Rest2);
            float root = (MathF.Sqrt(second[i]) * k.RootCorrection) + k.Epsilon;
            weight[i] = (weight[i] * k.Keep) - (first[i] * k.Rate / root);
        }
    }
}
