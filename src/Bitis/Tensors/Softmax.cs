using System.Numerics.Tensors;

namespace Bitis.Tensors;

/// <summary>Softmax, <c>p_i = exp(x_i) / Σ_j exp(x_j)</c>.</summary>
internal static class Softmax
{
    /// <summary>Computes a row.</summary>
    /// <remarks>
    /// The largest value is subtracted from all first, which does not change the result. Without this, exponentials of
    /// values above 88 are infinite, as in <c>TensorPrimitives.SoftMax</c>.
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
