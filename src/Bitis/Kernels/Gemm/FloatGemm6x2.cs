using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Gemm;

/// <summary>
/// The tile of <see cref="FloatGemm"/> for sixteen registers of any width: 6 rows × 2 registers, which is 6×16 with
/// AVX2 and 6×8 with the platform's 128-bit vectors.
/// </summary>
/// <remarks>
/// <code>
///                       w0     w1      per step of k: 2 loads, 6 broadcasts, 12 multiply-adds
///   broadcast a[0, k]   c00    c01     registers: 12 sums + 2 weights + 1 broadcast of 16
///   ...                 ...    ...
///   broadcast a[5, k]   c50    c51
/// </code>
/// </remarks>
internal readonly unsafe struct FloatGemm6x2<TLanes> : IFloatGemmTile
    where TLanes : struct, ILanes<TLanes>
{
    /// <inheritdoc />
    public static int Rows => 6;

    /// <inheritdoc />
    public static int Columns => 2 * TLanes.Count;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* a, nint lda, nint step, int rows, int columns, float* panel, int k, float* sums)
    {
        if (columns <= TLanes.Count)
        {
            MultiplyHalf(a, lda, step, rows, panel, k, sums);
            return;
        }

        // Rows that do not exist repeat the last one that does.
        float* a0 = a;
        float* a1 = rows > 1 ? a0 + lda : a0;
        float* a2 = rows > 2 ? a1 + lda : a1;
        float* a3 = rows > 3 ? a2 + lda : a2;
        float* a4 = rows > 4 ? a3 + lda : a3;
        float* a5 = rows > 5 ? a4 + lda : a4;
        TLanes c00 = TLanes.Create(0f), c01 = TLanes.Create(0f);
        TLanes c10 = TLanes.Create(0f), c11 = TLanes.Create(0f);
        TLanes c20 = TLanes.Create(0f), c21 = TLanes.Create(0f);
        TLanes c30 = TLanes.Create(0f), c31 = TLanes.Create(0f);
        TLanes c40 = TLanes.Create(0f), c41 = TLanes.Create(0f);
        TLanes c50 = TLanes.Create(0f), c51 = TLanes.Create(0f);

        nint end = k * step;
        for (nint i = 0; i < end; i += step)
        {
            TLanes w0 = TLanes.Load(panel), w1 = TLanes.Load(panel + TLanes.Count);
            panel += Columns;
            TLanes x = TLanes.Create(a0[i]);
            c00 = TLanes.MultiplyAdd(x, w0, c00);
            c01 = TLanes.MultiplyAdd(x, w1, c01);
            x = TLanes.Create(a1[i]);
            c10 = TLanes.MultiplyAdd(x, w0, c10);
            c11 = TLanes.MultiplyAdd(x, w1, c11);
            x = TLanes.Create(a2[i]);
            c20 = TLanes.MultiplyAdd(x, w0, c20);
            c21 = TLanes.MultiplyAdd(x, w1, c21);
            x = TLanes.Create(a3[i]);
            c30 = TLanes.MultiplyAdd(x, w0, c30);
            c31 = TLanes.MultiplyAdd(x, w1, c31);
            x = TLanes.Create(a4[i]);
            c40 = TLanes.MultiplyAdd(x, w0, c40);
            c41 = TLanes.MultiplyAdd(x, w1, c41);
            x = TLanes.Create(a5[i]);
            c50 = TLanes.MultiplyAdd(x, w0, c50);
            c51 = TLanes.MultiplyAdd(x, w1, c51);
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
    }

    /// <summary>The left half of the tile alone, for the last columns of a matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyHalf(float* a, nint lda, nint step, int rows, float* panel, int k, float* sums)
    {
        float* a0 = a;
        float* a1 = rows > 1 ? a0 + lda : a0;
        float* a2 = rows > 2 ? a1 + lda : a1;
        float* a3 = rows > 3 ? a2 + lda : a2;
        float* a4 = rows > 4 ? a3 + lda : a3;
        float* a5 = rows > 5 ? a4 + lda : a4;
        TLanes c0 = TLanes.Create(0f), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0;
        nint end = k * step;
        for (nint i = 0; i < end; i += step)
        {
            TLanes w = TLanes.Load(panel);
            panel += Columns;
            c0 = TLanes.MultiplyAdd(TLanes.Create(a0[i]), w, c0);
            c1 = TLanes.MultiplyAdd(TLanes.Create(a1[i]), w, c1);
            c2 = TLanes.MultiplyAdd(TLanes.Create(a2[i]), w, c2);
            c3 = TLanes.MultiplyAdd(TLanes.Create(a3[i]), w, c3);
            c4 = TLanes.MultiplyAdd(TLanes.Create(a4[i]), w, c4);
            c5 = TLanes.MultiplyAdd(TLanes.Create(a5[i]), w, c5);
        }
        TLanes.Store(c0, sums);
        TLanes.Store(c1, sums + Columns);
        TLanes.Store(c2, sums + (2 * Columns));
        TLanes.Store(c3, sums + (3 * Columns));
        TLanes.Store(c4, sums + (4 * Columns));
        TLanes.Store(c5, sums + (5 * Columns));
    }
}
