using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Gemm;

/// <summary>
/// The AVX-VNNI tile of <see cref="Int8Gemm"/>: 6 rows × 16 columns, four products per lane and instruction.
/// </summary>
/// <remarks>
/// <code>
///                          w0 (8 columns × 4)  w1 (8 columns × 4)   per group of k: 2 loads, 6 broadcasts, 12 dots
///   broadcast a[0, k..k+3] c00                 c01                  registers: 12 sums + 2 weights + 1 broadcast of 16
///   ...                    ...                 ...
///   broadcast a[5, k..k+3] c50                 c51
/// </code>
/// </remarks>
internal readonly unsafe struct Int8GemmAvxVnni : IInt8GemmTile
{
    /// <inheritdoc />
    public static int Rows => 6;

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
        byte* a4 = rows > 4 ? a3 + lda : a3;
        byte* a5 = rows > 5 ? a4 + lda : a4;
        Vector256<int> c00 = Vector256<int>.Zero, c01 = Vector256<int>.Zero;
        Vector256<int> c10 = Vector256<int>.Zero, c11 = Vector256<int>.Zero;
        Vector256<int> c20 = Vector256<int>.Zero, c21 = Vector256<int>.Zero;
        Vector256<int> c30 = Vector256<int>.Zero, c31 = Vector256<int>.Zero;
        Vector256<int> c40 = Vector256<int>.Zero, c41 = Vector256<int>.Zero;
        Vector256<int> c50 = Vector256<int>.Zero, c51 = Vector256<int>.Zero;

        nint end = groups * step;
        for (nint k = 0; k < end; k += step)
        {
            Vector256<sbyte> w0 = Vector256.Load(panel), w1 = Vector256.Load(panel + 32);
            panel += 64;
            Vector256<byte> x = Vector256.Create(*(int*)(a0 + k)).AsByte();
            c00 = AvxVnni.MultiplyWideningAndAdd(c00, x, w0);
            c01 = AvxVnni.MultiplyWideningAndAdd(c01, x, w1);
            x = Vector256.Create(*(int*)(a1 + k)).AsByte();
            c10 = AvxVnni.MultiplyWideningAndAdd(c10, x, w0);
            c11 = AvxVnni.MultiplyWideningAndAdd(c11, x, w1);
            x = Vector256.Create(*(int*)(a2 + k)).AsByte();
            c20 = AvxVnni.MultiplyWideningAndAdd(c20, x, w0);
            c21 = AvxVnni.MultiplyWideningAndAdd(c21, x, w1);
            x = Vector256.Create(*(int*)(a3 + k)).AsByte();
            c30 = AvxVnni.MultiplyWideningAndAdd(c30, x, w0);
            c31 = AvxVnni.MultiplyWideningAndAdd(c31, x, w1);
            x = Vector256.Create(*(int*)(a4 + k)).AsByte();
            c40 = AvxVnni.MultiplyWideningAndAdd(c40, x, w0);
            c41 = AvxVnni.MultiplyWideningAndAdd(c41, x, w1);
            x = Vector256.Create(*(int*)(a5 + k)).AsByte();
            c50 = AvxVnni.MultiplyWideningAndAdd(c50, x, w0);
            c51 = AvxVnni.MultiplyWideningAndAdd(c51, x, w1);
        }

        c00.Store(sums);
        c01.Store(sums + 8);
        c10.Store(sums + 16);
        c11.Store(sums + 24);
        c20.Store(sums + 32);
        c21.Store(sums + 40);
        c30.Store(sums + 48);
        c31.Store(sums + 56);
        c40.Store(sums + 64);
        c41.Store(sums + 72);
        c50.Store(sums + 80);
        c51.Store(sums + 88);
    }
}
