namespace Bitis.KernelHarness.References;

/// <summary>
/// The Walsh-Hadamard matrix from its definition, and its transform in the order of additions that the kernels promise.
/// </summary>
internal static class WalshHadamard
{
    /// <summary>Entry (i, j) of the matrix in natural order: (−1)^(the bits that i and j share).</summary>
    public static int Entry(int i, int j) => int.PopCount(i & j) % 2 == 0 ? 1 : -1;

    /// <summary>Transforms each block of <paramref name="order"/> neighbours: steps of distance 1, 2, 4, ...</summary>
    public static float[] Transform(ReadOnlySpan<float> values, int order)
    {
        float[] result = values.ToArray();
        for (int distance = 1; distance < order; distance *= 2)
        {
            for (int i = 0; i < result.Length; i++)
            {
                if ((i & distance) == 0)
                {
                    (result[i], result[i + distance]) = (
                        result[i] + result[i + distance], result[i] - result[i + distance]);
                }
            }
        }
        return result;
    }
}
