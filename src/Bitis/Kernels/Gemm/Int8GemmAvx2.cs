using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Gemm;

/// <summary>
/// The AVX2 tile of <see cref="Int8Gemm"/>: 4 rows × 16 columns. The 8-bit multiply-add of x86 saturates at 16 bits, so
/// the bytes are first widened to 16 bits, the even and the odd ones of each group apart; their products are exact.
/// </summary>
/// <remarks>
/// <code>
///                               w0, w1 even      w0, w1 odd       (8 columns each)
///   a[0, k], a[0, k+2]          c00, c01
///   a[0, k+1], a[0, k+3]                         c00, c01         per group of k and row: 4 multiply-adds, 4 additions
///   ...                                                           registers: 8 sums + 4 weights + 2 inputs of 16
/// </code>
/// </remarks>
internal readonly unsafe struct Int8GemmAvx2 : IInt8GemmTile
{
    /// <inheritdoc />
    public static int Rows => 4;

    /// <inheritdoc />
    public static int Columns => 16;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* a, nint lda, nint step, int rows, sbyte* panel, int groups, int* sums)
    {
        // Rows that do not exist repeat the last one that does.
        byte* a0 = a;
        byte* a1 = rows > 1 ? a0 + lda : a0;
        byte* a2 = rows > 2 ? a1 + lda : a1;
        byte* a3 = rows > 3 ? a2 + lda : a2;
        Vector256<int> c00 = Vector256<int>.Zero, c01 = Vector256<int>.Zero;
        Vector256<int> c10 = Vector256<int>.Zero, c11 = Vector256<int>.Zero;
        Vector256<int> c20 = Vector256<int>.Zero, c21 = Vector256<int>.Zero;
        Vector256<int> c30 = Vector256<int>.Zero, c31 = Vector256<int>.Zero;

        Vector256<ushort> evenBytes = Vector256.Create((ushort)0xFF);
        nint end = groups * step;
        for (nint k = 0; k < end; k += step)
        {
            Vector256<short> w0 = Vector256.Load((short*)panel), w1 = Vector256.Load((short*)(panel + 32));
            Vector256<short> w0Odd = w0 >> 8, w1Odd = w1 >> 8;
            w0 = (w0 << 8) >> 8;
            w1 = (w1 << 8) >> 8;
            panel += 64;

            Vector256<ushort> bytes = Vector256.Create(*(int*)(a0 + k)).AsUInt16();
            Vector256<short> even = (bytes & evenBytes).AsInt16(), odd = (bytes >> 8).AsInt16();
            c00 += Avx2.MultiplyAddAdjacent(even, w0) + Avx2.MultiplyAddAdjacent(odd, w0Odd);
            c01 += Avx2.MultiplyAddAdjacent(even, w1) + Avx2.MultiplyAddAdjacent(odd, w1Odd);
            bytes = Vector256.Create(*(int*)(a1 + k)).AsUInt16();
            even = (bytes & evenBytes).AsInt16();
            odd = (bytes >> 8).AsInt16();
            c10 += Avx2.MultiplyAddAdjacent(even, w0) + Avx2.MultiplyAddAdjacent(odd, w0Odd);
            c11 += Avx2.MultiplyAddAdjacent(even, w1) + Avx2.MultiplyAddAdjacent(odd, w1Odd);
            bytes = Vector256.Create(*(int*)(a2 + k)).AsUInt16();
            even = (bytes & evenBytes).AsInt16();
            odd = (bytes >> 8).AsInt16();
            c20 += Avx2.MultiplyAddAdjacent(even, w0) + Avx2.MultiplyAddAdjacent(odd, w0Odd);
            c21 += Avx2.MultiplyAddAdjacent(even, w1) + Avx2.MultiplyAddAdjacent(odd, w1Odd);
            bytes = Vector256.Create(*(int*)(a3 + k)).AsUInt16();
            even = (bytes & evenBytes).AsInt16();
            odd = (bytes >> 8).AsInt16();
            c30 += Avx2.MultiplyAddAdjacent(even, w0) + Avx2.MultiplyAddAdjacent(odd, w0Odd);
            c31 += Avx2.MultiplyAddAdjacent(even, w1) + Avx2.MultiplyAddAdjacent(odd, w1Odd);
        }

        c00.Store(sums);
        c01.Store(sums + 8);
        c10.Store(sums + 16);
        c11.Store(sums + 24);
        c20.Store(sums + 32);
        c21.Store(sums + 40);
        c30.Store(sums + 48);
        c31.Store(sums + 56);
    }
}
