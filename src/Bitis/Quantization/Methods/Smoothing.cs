using System.Numerics.Tensors;
using Bitis.Tensors;

namespace Bitis.Quantization.Methods;

/// <summary>
/// Smoothing (Xiao et al., SmoothQuant, 2023): x_j/m_j and W_ij·m_j instead of x_j and W_ij move range from activations
/// to weights, channel by channel.
/// </summary>
internal static class Smoothing
{
    private const float SmallestActivation = 1e-3f, SmallestWeight = 1e-5f, SmallestFactor = 1e-5f;

    /// <summary>m_j = (max |x_j|)^α / (max |W_ij|)^(1−α).</summary>
    /// <param name="x">The layer's input, <c>[..., in]</c>.</param>
    /// <param name="weight">W, <c>[out, in]</c>.</param>
    /// <param name="alpha">α.</param>
    /// <returns>m, <c>[in]</c>.</returns>
    public static float[] Of(FloatTensor x, FloatTensor weight, double alpha)
    {
        float[] activations = ColumnMaxima(x), weights = ColumnMaxima(weight);
        var m = new float[activations.Length];
        for (int j = 0; j < m.Length; j++)
        {
            double a = Math.Max(activations[j], SmallestActivation), w = Math.Max(weights[j], SmallestWeight);
            m[j] = Math.Max((float)(Math.Pow(a, alpha) / Math.Pow(w, 1 - alpha)), SmallestFactor);
        }
        return m;
    }

    /// <summary>x_j/m_j, in place: a product with 1/m_j, as it is computed later.</summary>
    public static void Divide(FloatTensor x, float[] m)
    {
        float[] inverse = Array.ConvertAll(m, value => 1 / value);
        for (int start = 0; start < x.Length; start += m.Length)
        {
            Span<float> row = x.Span.Slice(start, m.Length);
            TensorPrimitives.Multiply(row, inverse, row);
        }
    }

    /// <summary>W_ij·m_j.</summary>
    public static FloatTensor Multiply(FloatTensor weight, float[] m)
    {
        FloatTensor result = FloatTensor.Uninitialized(weight.Shape);
        for (int start = 0; start < weight.Length; start += m.Length)
            TensorPrimitives.Multiply(weight.Span.Slice(start, m.Length), m, result.Span[start..]);
        return result;
    }

    /// <summary>The largest magnitude in each column.</summary>
    private static float[] ColumnMaxima(FloatTensor values)
    {
        int columns = values.Shape[^1];
        var maxima = new float[columns];
        for (int start = 0; start < values.Length; start += columns)
            TensorPrimitives.MaxMagnitude(values.Span.Slice(start, columns), maxima, maxima);
        TensorPrimitives.Abs(maxima, maxima);
        return maxima;
    }
}
