using System.Runtime.Intrinsics;

namespace Bitis.Kernels.Activations;

/// <summary>Rotates pairs of neighbouring values, for rotary positions.</summary>
internal static class PairRotation
{
    /// <summary><c>(a, b) → (a·cos φ − b·sin φ, b·cos φ + a·sin φ)</c> for each pair.</summary>
    /// <param name="x">The values, a multiple of 4.</param>
    /// <param name="cos">cos φ for each value.</param>
    /// <param name="sin">−sin φ for the first value of a pair, sin φ for the second.</param>
    /// <param name="isBack">Whether to rotate by −φ.</param>
    /// <param name="y">The rotated values; may be <paramref name="x"/>.</param>
    public static void Turn(
        ReadOnlySpan<float> x, ReadOnlySpan<float> cos, ReadOnlySpan<float> sin, bool isBack, Span<float> y)
    {
        Vector128<int> partners = Vector128.Create(1, 0, 3, 2);
        for (int i = 0; i < cos.Length; i += 4) // two pairs at once
        {
            Vector128<float> pairs = Vector128.Create(x[i..]);
            Vector128<float> turned = Vector128.Shuffle(pairs, partners) * Vector128.Create(sin[i..]);
            pairs *= Vector128.Create(cos[i..]);
            (isBack ? pairs - turned : pairs + turned).CopyTo(y[i..]);
        }
    }
}
