using System.Runtime.CompilerServices;

namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>
/// The tile of <see cref="Int8Gemm"/> for processors with products of bytes or 16-bit integers: R rows × two registers.
/// </summary>
/// <remarks>
/// <code>
///                            w0 (columns × 4)  w1 (columns × 4)
///   broadcast a[0, k..k+3]   c00               c01
///   ...                      ...               ...
///   broadcast a[R−1, k..k+3]
///
///   per group of k: 2 loads, R broadcasts, 2·R sums of products
///
///   registers   AVX2       R = 4    8 sums + 4 weights + 2 inputs of 16, as operands are widened to 16 bits
///               AVX-VNNI   R = 6   12 sums + 2 weights + 1 input of 16
///               AVX-512    R = 6   12 sums + 4 weights + 2 inputs of 32, as operands are widened to 16 bits
/// </code>
/// The JIT compiles it for each type of sums, and leaves rows out that a tile does not have.
/// </remarks>
internal readonly unsafe struct Int8GemmTile<TDot> : IInt8GemmTile
    where TDot : struct, IInt8Dot<TDot>
{
    /// <inheritdoc />
    public static int Rows => TDot.Rows;

    /// <inheritdoc />
    public static int Columns => 2 * TDot.Count;

    /// <inheritdoc />
    public static int Offset => 0;

    private static bool HasSixRows => TDot.Rows == 6;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* a, nint lda, nint stride, int rows, sbyte* panel, int groups, int* sums)
    {
        // Rows that do not exist repeat the last one that does.
        byte* a0 = a;
        byte* a1 = rows > 1 ? a0 + lda : a0;
        byte* a2 = rows > 2 ? a1 + lda : a1;
        byte* a3 = rows > 3 ? a2 + lda : a2;
        byte* a4 = rows > 4 ? a3 + lda : a3;
        byte* a5 = rows > 5 ? a4 + lda : a4;
        TDot c00 = default, c01 = default;
        TDot c10 = default, c11 = default;
        TDot c20 = default, c21 = default;
        TDot c30 = default, c31 = default;
        TDot c40 = default, c41 = default;
        TDot c50 = default, c51 = default;

        nint end = groups * stride;
        for (nint k = 0; k < end; k += stride)
        {
            TDot w0 = TDot.LoadWeights(panel, out TDot w0Odd);
            TDot w1 = TDot.LoadWeights(panel + (4 * TDot.Count), out TDot w1Odd);
            panel += 8 * TDot.Count;
            TDot x0 = TDot.Broadcast(a0 + k, out TDot x0Odd);
            c00 = TDot.AddProducts(c00, x0, x0Odd, w0, w0Odd);
            c01 = TDot.AddProducts(c01, x0, x0Odd, w1, w1Odd);
            TDot x1 = TDot.Broadcast(a1 + k, out TDot x1Odd);
            c10 = TDot.AddProducts(c10, x1, x1Odd, w0, w0Odd);
            c11 = TDot.AddProducts(c11, x1, x1Odd, w1, w1Odd);
            TDot x2 = TDot.Broadcast(a2 + k, out TDot x2Odd);
            c20 = TDot.AddProducts(c20, x2, x2Odd, w0, w0Odd);
            c21 = TDot.AddProducts(c21, x2, x2Odd, w1, w1Odd);
            TDot x3 = TDot.Broadcast(a3 + k, out TDot x3Odd);
            c30 = TDot.AddProducts(c30, x3, x3Odd, w0, w0Odd);
            c31 = TDot.AddProducts(c31, x3, x3Odd, w1, w1Odd);
            if (HasSixRows)
            {
                TDot x4 = TDot.Broadcast(a4 + k, out TDot x4Odd);
                c40 = TDot.AddProducts(c40, x4, x4Odd, w0, w0Odd);
                c41 = TDot.AddProducts(c41, x4, x4Odd, w1, w1Odd);
                TDot x5 = TDot.Broadcast(a5 + k, out TDot x5Odd);
                c50 = TDot.AddProducts(c50, x5, x5Odd, w0, w0Odd);
                c51 = TDot.AddProducts(c51, x5, x5Odd, w1, w1Odd);
            }
        }

        TDot.Store(c00, sums);
        TDot.Store(c01, sums + TDot.Count);
        TDot.Store(c10, sums + (2 * TDot.Count));
        TDot.Store(c11, sums + (3 * TDot.Count));
        TDot.Store(c20, sums + (4 * TDot.Count));
        TDot.Store(c21, sums + (5 * TDot.Count));
        TDot.Store(c30, sums + (6 * TDot.Count));
        TDot.Store(c31, sums + (7 * TDot.Count));
        if (HasSixRows)
        {
            TDot.Store(c40, sums + (8 * TDot.Count));
            TDot.Store(c41, sums + (9 * TDot.Count));
            TDot.Store(c50, sums + (10 * TDot.Count));
            TDot.Store(c51, sums + (11 * TDot.Count));
        }
    }
}
