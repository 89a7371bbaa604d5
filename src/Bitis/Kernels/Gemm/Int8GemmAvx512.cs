using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Gemm;

/// <summary>
/// The AVX-512 tile of <see cref="Int8Gemm"/>: 6 rows × 32 columns. The 8-bit multiply-add of x86 saturates at 16 bits,
/// so the bytes are first widened to 16 bits, the even and the odd ones of each group apart; their products are exact.
/// </summary>
/// <remarks>
/// <code>
///                               w0, w1 even      w0, w1 odd       (16 columns each)
///   a[0, k], a[0, k+2]          c00, c01
///   a[0, k+1], a[0, k+3]                         c00, c01         per group of k and row: 4 multiply-adds, 4 additions
///   ...                                                           registers: 12 sums + 4 weights + 2 inputs of 32
/// </code>
/// </remarks>
internal readonly unsafe struct Int8GemmAvx512 : IInt8GemmTile
{
    /// <inheritdoc />
    public static int Rows => 6;

    /// <inheritdoc />
    public static int Columns => 32;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* a, nint lda, nint step, int rows, sbyte* panel, int groups, int* sums)
    {
        // Rows that do not exist repeat the last one that does.
        byte* a0 = a;
        byte* a1 = rows > 1 ? a0 + lda : a0;
        byte* a2 = rows > 2 ? a1 + lda : a1;
        byte* a3 = rows > 3 ? a2 + lda : a2;
        byte* a4 = rows > 4 ? a3 + lda : a3;
        byte* a5 = rows > 5 ? a4 + lda : a4;
        Vector512<int> c00 = Vector512<int>.Zero, c01 = Vector512<int>.Zero;
        Vector512<int> c10 = Vector512<int>.Zero, c11 = Vector512<int>.Zero;
        Vector512<int> c20 = Vector512<int>.Zero, c21 = Vector512<int>.Zero;
        Vector512<int> c30 = Vector512<int>.Zero, c31 = Vector512<int>.Zero;
        Vector512<int> c40 = Vector512<int>.Zero, c41 = Vector512<int>.Zero;
        Vector512<int> c50 = Vector512<int>.Zero, c51 = Vector512<int>.Zero;

        Vector512<ushort> evenBytes = Vector512.Create((ushort)0xFF);
        nint end = groups * step;
        for (nint k = 0; k < end; k += step)
        {
            Vector512<short> w0 = Vector512.Load((short*)panel), w1 = Vector512.Load((short*)(panel + 64));
            Vector512<short> w0Odd = w0 >> 8, w1Odd = w1 >> 8;
            w0 = (w0 << 8) >> 8;
            w1 = (w1 << 8) >> 8;
            panel += 128;

            Vector512<ushort> bytes = Vector512.Create(*(int*)(a0 + k)).AsUInt16();
            Vector512<short> even = (bytes & evenBytes).AsInt16(), odd = (bytes >> 8).AsInt16();
            c00 += Avx512BW.MultiplyAddAdjacent(even, w0) + Avx512BW.MultiplyAddAdjacent(odd, w0Odd);
            c01 += Avx512BW.MultiplyAddAdjacent(even, w1) + Avx512BW.MultiplyAddAdjacent(odd, w1Odd);
            bytes = Vector512.Create(*(int*)(a1 + k)).AsUInt16();
            even = (bytes & evenBytes).AsInt16();
            odd = (bytes >> 8).AsInt16();
            c10 += Avx512BW.MultiplyAddAdjacent(even, w0) + Avx512BW.MultiplyAddAdjacent(odd, w0Odd);
            c11 += Avx512BW.MultiplyAddAdjacent(even, w1) + Avx512BW.MultiplyAddAdjacent(odd, w1Odd);
            bytes = Vector512.Create(*(int*)(a2 + k)).AsUInt16();
            even = (bytes & evenBytes).AsInt16();
            odd = (bytes >> 8).AsInt16();
            c20 += Avx512BW.MultiplyAddAdjacent(even, w0) + Avx512BW.MultiplyAddAdjacent(odd, w0Odd);
            c21 += Avx512BW.MultiplyAddAdjacent(even, w1) + Avx512BW.MultiplyAddAdjacent(odd, w1Odd);
            bytes = Vector512.Create(*(int*)(a3 + k)).AsUInt16();
            even = (bytes & evenBytes).AsInt16();
            odd = (bytes >> 8).AsInt16();
            c30 += Avx512BW.MultiplyAddAdjacent(even, w0) + Avx512BW.MultiplyAddAdjacent(odd, w0Odd);
            c31 += Avx512BW.MultiplyAddAdjacent(even, w1) + Avx512BW.MultiplyAddAdjacent(odd, w1Odd);
            bytes = Vector512.Create(*(int*)(a4 + k)).AsUInt16();
            even = (bytes & evenBytes).AsInt16();
            odd = (bytes >> 8).AsInt16();
            c40 += Avx512BW.MultiplyAddAdjacent(even, w0) + Avx512BW.MultiplyAddAdjacent(odd, w0Odd);
            c41 += Avx512BW.MultiplyAddAdjacent(even, w1) + Avx512BW.MultiplyAddAdjacent(odd, w1Odd);
            bytes = Vector512.Create(*(int*)(a5 + k)).AsUInt16();
            even = (bytes & evenBytes).AsInt16();
            odd = (bytes >> 8).AsInt16();
            c50 += Avx512BW.MultiplyAddAdjacent(even, w0) + Avx512BW.MultiplyAddAdjacent(odd, w0Odd);
            c51 += Avx512BW.MultiplyAddAdjacent(even, w1) + Avx512BW.MultiplyAddAdjacent(odd, w1Odd);
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
    }
}
