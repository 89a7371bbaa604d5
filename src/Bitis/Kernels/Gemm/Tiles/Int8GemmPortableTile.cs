using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>
/// The portable tile of <see cref="Int8Gemm"/>: 4 rows × 8 columns, in the platform's 128-bit vectors or in scalar
/// code.
/// </summary>
/// <remarks>
/// <code>
///                          w0 (4 columns)  w1 (4 columns)    per value of k: the weights' byte k%4 widened to int32,
///   broadcast a[0, k]      c00             c01               4 broadcasts, 8 multiplications, 8 additions
///   ...                    ...             ...
///   broadcast a[3, k]      c30             c31
/// </code>
/// </remarks>
internal readonly unsafe struct Int8GemmPortableTile : IInt8GemmTile
{
    /// <inheritdoc />
    public static int Rows => 4;

    /// <inheritdoc />
    public static int Columns => 8;

    /// <inheritdoc />
    public static int Offset => 0;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* a, nint lda, nint stride, int rows, sbyte* panel, int groups, int* sums)
    {
        if (Vector128.IsHardwareAccelerated)
            MultiplyVectors(a, lda, stride, rows, panel, groups, sums);
        else
            MultiplyScalars(a, lda, stride, rows, panel, groups, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyVectors(byte* a, nint lda, nint stride, int rows, sbyte* panel, int groups, int* sums)
    {
        // Rows that do not exist repeat the last one that does.
        byte* a0 = a;
        byte* a1 = rows > 1 ? a0 + lda : a0;
        byte* a2 = rows > 2 ? a1 + lda : a1;
        byte* a3 = rows > 3 ? a2 + lda : a2;
        Vector128<int> c00 = Vector128<int>.Zero, c01 = Vector128<int>.Zero;
        Vector128<int> c10 = Vector128<int>.Zero, c11 = Vector128<int>.Zero;
        Vector128<int> c20 = Vector128<int>.Zero, c21 = Vector128<int>.Zero;
        Vector128<int> c30 = Vector128<int>.Zero, c31 = Vector128<int>.Zero;

        nint end = (nint)groups * 4, next = stride - 4;
        for (nint i = 0, k = 0; i < end; i++, k++)
        {
            // A lane holds the four bytes of a column; shifting left and back leaves byte i%4 with its sign.
            int left = 24 - (8 * (int)(i % 4));
            int* group = (int*)(panel + (i / 4 * 4 * 8));
            Vector128<int> w0 = (Vector128.Load(group) << left) >> 24;
            Vector128<int> w1 = (Vector128.Load(group + 4) << left) >> 24;
            Vector128<int> x = Vector128.Create((int)a0[k]);
            c00 += x * w0;
            c01 += x * w1;
            x = Vector128.Create((int)a1[k]);
            c10 += x * w0;
            c11 += x * w1;
            x = Vector128.Create((int)a2[k]);
            c20 += x * w0;
            c21 += x * w1;
            x = Vector128.Create((int)a3[k]);
            c30 += x * w0;
            c31 += x * w1;
            if (left == 0)
                k += next;
        }

        c00.Store(sums);
        c01.Store(sums + 4);
        c10.Store(sums + 8);
        c11.Store(sums + 12);
        c20.Store(sums + 16);
        c21.Store(sums + 20);
        c30.Store(sums + 24);
        c31.Store(sums + 28);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyScalars(byte* a, nint lda, nint stride, int rows, sbyte* panel, int groups, int* sums)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                byte* x = a + (row * lda);
                sbyte* w = panel + (column * 4);
                int sum = 0;
                for (int group = 0; group < groups; group++)
                {
                    sum += (x[0] * w[0]) + (x[1] * w[1]) + (x[2] * w[2]) + (x[3] * w[3]);
                    x += stride;
                    w += 4 * Columns;
                }
                sums[(row * Columns) + column] = sum;
            }
        }
    }
}
