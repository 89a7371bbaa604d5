using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Gemm;

/// <summary>The AVX-512 tile of <see cref="FloatGemm"/>: 8 rows × 32 columns.</summary>
/// <remarks>
/// <code>
///                       w0 (16 columns)  w1 (16 columns)     per step of k: 2 loads, 8 broadcasts, 16 multiply-adds
///   broadcast a[0, k]   c00              c01                 registers: 16 sums + 2 weights + 1 broadcast of 32
///   ...                 ...              ...
///   broadcast a[7, k]   c70              c71
/// </code>
/// </remarks>
internal readonly unsafe struct FloatGemmAvx512 : IFloatGemmTile
{
    /// <inheritdoc />
    public static int Rows => 8;

    /// <inheritdoc />
    public static int Columns => 32;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* a, nint lda, nint step, int rows, int columns, float* panel, int k, float* sums)
    {
        if (columns <= Vector512<float>.Count)
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
        float* a6 = rows > 6 ? a5 + lda : a5;
        float* a7 = rows > 7 ? a6 + lda : a6;
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero;
        Vector512<float> c40 = Vector512<float>.Zero, c41 = Vector512<float>.Zero;
        Vector512<float> c50 = Vector512<float>.Zero, c51 = Vector512<float>.Zero;
        Vector512<float> c60 = Vector512<float>.Zero, c61 = Vector512<float>.Zero;
        Vector512<float> c70 = Vector512<float>.Zero, c71 = Vector512<float>.Zero;

        nint end = k * step;
        for (nint i = 0; i < end; i += step)
        {
            Vector512<float> w0 = Vector512.Load(panel), w1 = Vector512.Load(panel + 16);
            panel += 32;
            Vector512<float> x = Vector512.Create(a0[i]);
            c00 = Avx512F.FusedMultiplyAdd(x, w0, c00);
            c01 = Avx512F.FusedMultiplyAdd(x, w1, c01);
            x = Vector512.Create(a1[i]);
            c10 = Avx512F.FusedMultiplyAdd(x, w0, c10);
            c11 = Avx512F.FusedMultiplyAdd(x, w1, c11);
            x = Vector512.Create(a2[i]);
            c20 = Avx512F.FusedMultiplyAdd(x, w0, c20);
            c21 = Avx512F.FusedMultiplyAdd(x, w1, c21);
            x = Vector512.Create(a3[i]);
            c30 = Avx512F.FusedMultiplyAdd(x, w0, c30);
            c31 = Avx512F.FusedMultiplyAdd(x, w1, c31);
            x = Vector512.Create(a4[i]);
            c40 = Avx512F.FusedMultiplyAdd(x, w0, c40);
            c41 = Avx512F.FusedMultiplyAdd(x, w1, c41);
            x = Vector512.Create(a5[i]);
            c50 = Avx512F.FusedMultiplyAdd(x, w0, c50);
            c51 = Avx512F.FusedMultiplyAdd(x, w1, c51);
            x = Vector512.Create(a6[i]);
            c60 = Avx512F.FusedMultiplyAdd(x, w0, c60);
            c61 = Avx512F.FusedMultiplyAdd(x, w1, c61);
            x = Vector512.Create(a7[i]);
            c70 = Avx512F.FusedMultiplyAdd(x, w0, c70);
            c71 = Avx512F.FusedMultiplyAdd(x, w1, c71);
        }

        c00.Store(sums);
        c01.Store(sums + 16);
        c10.Store(sums + 32);
        c11.Store(sums + 48);
        c20.Store(sums + 64);
        c21.Store(sums + 80);
        c30.Store(sums + 96);
        c31.Store(sums + 112);
        c40.Store(sums + 128);
        c41.Store(sums + 144);
        c50.Store(sums + 160);
        c51.Store(sums + 176);
        c60.Store(sums + 192);
        c61.Store(sums + 208);
        c70.Store(sums + 224);
        c71.Store(sums + 240);
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
        float* a6 = rows > 6 ? a5 + lda : a5;
        float* a7 = rows > 7 ? a6 + lda : a6;
        Vector512<float> c0 = Vector512<float>.Zero, c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
        nint end = k * step;
        for (nint i = 0; i < end; i += step)
        {
            Vector512<float> w = Vector512.Load(panel);
            panel += 32;
            c0 = Avx512F.FusedMultiplyAdd(Vector512.Create(a0[i]), w, c0);
            c1 = Avx512F.FusedMultiplyAdd(Vector512.Create(a1[i]), w, c1);
            c2 = Avx512F.FusedMultiplyAdd(Vector512.Create(a2[i]), w, c2);
            c3 = Avx512F.FusedMultiplyAdd(Vector512.Create(a3[i]), w, c3);
            c4 = Avx512F.FusedMultiplyAdd(Vector512.Create(a4[i]), w, c4);
            c5 = Avx512F.FusedMultiplyAdd(Vector512.Create(a5[i]), w, c5);
            c6 = Avx512F.FusedMultiplyAdd(Vector512.Create(a6[i]), w, c6);
            c7 = Avx512F.FusedMultiplyAdd(Vector512.Create(a7[i]), w, c7);
        }
        c0.Store(sums);
        c1.Store(sums + 32);
        c2.Store(sums + 64);
        c3.Store(sums + 96);
        c4.Store(sums + 128);
        c5.Store(sums + 160);
        c6.Store(sums + 192);
        c7.Store(sums + 224);
    }
}
