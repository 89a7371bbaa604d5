using System.Numerics;

namespace Bitis.Kernels.Hadamard;

/// <summary>The stages of a Walsh-Hadamard transform of any length.</summary>
internal static class Butterflies
{
    /// <summary>One stage: sums and differences of values at a distance.</summary>
    /// <param name="block">The values, whose number is a multiple of twice the distance; replaced.</param>
    /// <param name="distance">A power of two.</param>
    public static void Combine(Span<float> block, int distance)
    {
        for (int start = 0; start < block.Length; start += 2 * distance)
        {
            Span<float> lows = block.Slice(start, distance), highs = block.Slice(start + distance, distance);
            int i = 0;
            for (; i <= distance - Vector<float>.Count; i += Vector<float>.Count)
            {
                Vector<float> low = new(lows[i..]), high = new(highs[i..]);
                (low + high).CopyTo(lows[i..]);
                (low - high).CopyTo(highs[i..]);
            }
            for (; i < distance; i++)
                (lows[i], highs[i]) = (lows[i] + highs[i], lows[i] - highs[i]);
        }
    }
}
