using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>
/// The innermost product of <see cref="FloatGemm"/>: a block of outputs that stays in registers, two registers wide.
/// </summary>
/// <remarks>
/// It has 8 rows with the 32 registers of AVX-512 and ARM, and 6 rows with the 16 registers of all others.
/// <code>
///                       w0     w1      per index of k: 2 loads, R broadcasts, 2·R multiply-adds
///   broadcast a[0, k]   c00    c01     registers: 2·R sums + 2 weights + 1 broadcast
///   ...                 ...    ...
///   broadcast a[R−1, k]
/// </code>
/// The JIT compiles it for each type of lanes, and leaves rows out that a tile does not have.
/// </remarks>
internal static unsafe class FloatGemmTile<TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    /// <summary>The height of the block.</summary>
    public static int Rows => HasEightRows ? 8 : 6;

    /// <summary>The width of the block and of a panel of weights.</summary>
    public static int Columns => 2 * TLanes.Count;

    private static bool HasEightRows => TLanes.Has32Registers;

    /// <summary>
    /// <c>sums[r, c] = Σ_k a[r, k]·panel[k, c]</c>, each sum in the order of k with one multiply-add for each k.
    /// </summary>
    /// <param name="a">The first input row.</param>
    /// <param name="lda">The distance of input rows in elements.</param>
    /// <param name="stride">
    /// The distance of neighbours along k: 1, or the row length of a matrix that is read transposed.
    /// </param>
    /// <param name="rows">How many rows exist (1 to <see cref="Rows"/>); the others' sums are arbitrary.</param>
    /// <param name="columns">
    /// How many columns are wanted (1 to <see cref="Columns"/>); the others' sums are arbitrary.
    /// </param>
    /// <param name="panel"><c>[k, Columns]</c></param>
    /// <param name="k">The length of the sums, possibly 0.</param>
    /// <param name="sums"><c>[Rows, Columns]</c></param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(
        float* a, nint lda, nint stride, int rows, int columns, float* panel, int k, float* sums)
    {
        if (columns <= TLanes.Count)
        {
            MultiplyHalf(a, lda, stride, rows, panel, k, sums);
            return;
        }

        // Rows that do not exist repeat the last one that does.
        float* a0 = a;
        float* a1 = rows > 1 ? a0 + lda : a0;
        float* a2 = rows > 2 ? a1 + lda : a1;
        float* a3 = rows > 3 ? a2 + lda : a2;
        float* a4 = rows > 4 ? a3 + lda : a3;
        float* a5 = rows > 5 ? a4 + lda : a4;
        float* a6 = rows > 6 ? a5 + lda : a5;
        float* a7 = rows > 7 ? a6 + lda : a6;
        TLanes c00 = TLanes.Create(0f), c01 = TLanes.Create(0f);
        TLanes c10 = TLanes.Create(0f), c11 = TLanes.Create(0f);
        TLanes c20 = TLanes.Create(0f), c21 = TLanes.Create(0f);
        TLanes c30 = TLanes.Create(0f), c31 = TLanes.Create(0f);
        TLanes c40 = TLanes.Create(0f), c41 = TLanes.Create(0f);
        TLanes c50 = TLanes.Create(0f), c51 = TLanes.Create(0f);
        TLanes c60 = TLanes.Create(0f), c61 = TLanes.Create(0f);
        TLanes c70 = TLanes.Create(0f), c71 = TLanes.Create(0f);

        nint end = k * stride;
        for (nint i = 0; i < end; i += stride)
        {
            TLanes w0 = TLanes.Load(panel), w1 = TLanes.Load(panel + TLanes.Count);
            panel += Columns;
            TLanes x = TLanes.LoadFactor(a0 + i);
            c00 = TLanes.MultiplyAddFactor(x, w0, c00);
            c01 = TLanes.MultiplyAddFactor(x, w1, c01);
            x = TLanes.LoadFactor(a1 + i);
            c10 = TLanes.MultiplyAddFactor(x, w0, c10);
            c11 = TLanes.MultiplyAddFactor(x, w1, c11);
            x = TLanes.LoadFactor(a2 + i);
            c20 = TLanes.MultiplyAddFactor(x, w0, c20);
            c21 = TLanes.MultiplyAddFactor(x, w1, c21);
            x = TLanes.LoadFactor(a3 + i);
            c30 = TLanes.MultiplyAddFactor(x, w0, c30);
            c31 = TLanes.MultiplyAddFactor(x, w1, c31);
            x = TLanes.LoadFactor(a4 + i);
            c40 = TLanes.MultiplyAddFactor(x, w0, c40);
            c41 = TLanes.MultiplyAddFactor(x, w1, c41);
            x = TLanes.LoadFactor(a5 + i);
            c50 = TLanes.MultiplyAddFactor(x, w0, c50);
            c51 = TLanes.MultiplyAddFactor(x, w1, c51);
            if (HasEightRows)
            {
                x = TLanes.LoadFactor(a6 + i);
                c60 = TLanes.MultiplyAddFactor(x, w0, c60);
                c61 = TLanes.MultiplyAddFactor(x, w1, c61);
                x = TLanes.LoadFactor(a7 + i);
                c70 = TLanes.MultiplyAddFactor(x, w0, c70);
                c71 = TLanes.MultiplyAddFactor(x, w1, c71);
            }
        }

        TLanes.Store(c00, sums);
        TLanes.Store(c01, sums + TLanes.Count);
        TLanes.Store(c10, sums + (2 * TLanes.Count));
        TLanes.Store(c11, sums + (3 * TLanes.Count));
        TLanes.Store(c20, sums + (4 * TLanes.Count));
        TLanes.Store(c21, sums + (5 * TLanes.Count));
        TLanes.Store(c30, sums + (6 * TLanes.Count));
        TLanes.Store(c31, sums + (7 * TLanes.Count));
        TLanes.Store(c40, sums + (8 * TLanes.Count));
        TLanes.Store(c41, sums + (9 * TLanes.Count));
        TLanes.Store(c50, sums + (10 * TLanes.Count));
        TLanes.Store(c51, sums + (11 * TLanes.Count));
        if (HasEightRows)
        {
            TLanes.Store(c60, sums + (12 * TLanes.Count));
            TLanes.Store(c61, sums + (13 * TLanes.Count));
            TLanes.Store(c70, sums + (14 * TLanes.Count));
            TLanes.Store(c71, sums + (15 * TLanes.Count));
        }
    }

    /// <summary>The left half of the tile alone, for the last columns of a matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyHalf(float* a, nint lda, nint stride, int rows, float* panel, int k, float* sums)
    {
        float* a0 = a;
        float* a1 = rows > 1 ? a0 + lda : a0;
        float* a2 = rows > 2 ? a1 + lda : a1;
        float* a3 = rows > 3 ? a2 + lda : a2;
        float* a4 = rows > 4 ? a3 + lda : a3;
        float* a5 = rows > 5 ? a4 + lda : a4;
        float* a6 = rows > 6 ? a5 + lda : a5;
        float* a7 = rows > 7 ? a6 + lda : a6;
        TLanes c0 = TLanes.Create(0f), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
        nint end = k * stride;
        for (nint i = 0; i < end; i += stride)
        {
            TLanes w = TLanes.Load(panel);
            panel += Columns;
            c0 = TLanes.MultiplyAdd(a0 + i, w, c0);
            c1 = TLanes.MultiplyAdd(a1 + i, w, c1);
            c2 = TLanes.MultiplyAdd(a2 + i, w, c2);
            c3 = TLanes.MultiplyAdd(a3 + i, w, c3);
            c4 = TLanes.MultiplyAdd(a4 + i, w, c4);
            c5 = TLanes.MultiplyAdd(a5 + i, w, c5);
            if (HasEightRows)
            {
                c6 = TLanes.MultiplyAdd(a6 + i, w, c6);
                c7 = TLanes.MultiplyAdd(a7 + i, w, c7);
            }
        }
        TLanes.Store(c0, sums);
        TLanes.Store(c1, sums + Columns);
        TLanes.Store(c2, sums + (2 * Columns));
        TLanes.Store(c3, sums + (3 * Columns));
        TLanes.Store(c4, sums + (4 * Columns));
        TLanes.Store(c5, sums + (5 * Columns));
        if (HasEightRows)
        {
            TLanes.Store(c6, sums + (6 * Columns));
            TLanes.Store(c7, sums + (7 * Columns));
        }
    }
}
