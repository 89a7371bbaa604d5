using System.Numerics.Tensors;

namespace Bitis.Tensors;

/// <summary>Softmax, <c>p_i = exp(x_i) / Σ_j exp(x_j)</c>.</summary>
internal static class Softmax
{
    /// <summary>Computes a row.</summary>
    /// <remarks>
    /// The largest value is subtracted from all first, which does not change the result; without that, as
    /// <c>TensorPrimitives.SoftMax</c> does it, values above 88 are infinite as exponentials.
    /// </remarks>
    /// <param name="values">x, finite numbers.</param>
    /// <param name="probabilities">p, of the same length; may be the same memory.</param>
    public static void Compute(ReadOnlySpan<float> values, Span<float> probabilities)
    {
        if (values.IsEmpty)
            return;
        probabilities = probabilities[..values.Length];
        TensorPrimitives.Subtract(values, TensorPrimitives.Max(values), probabilities);
        TensorPrimitives.SoftMax(probabilities, probabilities);
    }
}
