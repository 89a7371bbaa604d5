using System.Numerics.Tensors;
using Bitis.Kernels.Hadamard;

namespace Bitis.Quantization.Methods;

/// <summary>
/// The orthonormal Walsh-Hadamard transform of blocks of neighbouring channels, <c>x·H/√n</c>, which spreads outliers
/// over a block.
/// </summary>
/// <remarks>
/// It is its own inverse, so a layer whose weights and input are both rotated computes what it did:
/// <c>(x·H)·(W·H)ᵀ = x·Wᵀ</c>.
/// </remarks>
internal static class Rotation
{
    /// <summary>n for some channels: the largest power of two that divides them.</summary>
    public static int OrderFor(int channels) => channels & -channels;

    /// <summary>Rotates rows.</summary>
    /// <param name="source">Whole blocks.</param>
    /// <param name="order">n, a power of two.</param>
    /// <param name="target">As long; may be the source itself.</param>
    public static void Apply(ReadOnlySpan<float> source, int order, Span<float> target)
    {
        float factor = 1 / MathF.Sqrt(order);
        source.CopyTo(target);
        for (int start = 0; start < source.Length; start += order)
        {
            Span<float> block = target.Slice(start, order);
            for (int distance = 1; distance < order; distance *= 2)
                Butterflies.Combine(block, distance);
            TensorPrimitives.Multiply(block, factor, block);
        }
    }
}
