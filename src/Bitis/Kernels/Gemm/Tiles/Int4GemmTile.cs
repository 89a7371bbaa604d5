using System.Runtime.CompilerServices;

namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>The tile of <see cref="Int8Gemm"/> for 4-bit weights and processors without an 8-bit dot product.</summary>
/// <remarks>
/// It has 6 rows × two registers of columns. Two products with bytes, 2·255·8 at most, fit 16 bits. So do eight such
/// pairs (32640). So sums stay in 16 bits for eight groups of k before they are widened.
/// <code>
///                          w0 (columns × 4)  w1 (columns × 4)
///   broadcast a[0, k..k+3] c00               c01
///   ...                    ...               ...
///   broadcast a[5, k..k+3] c50               c51
///
///   per group of k     2 loads, 6 broadcasts, 12 multiply-adds, 12 additions
///   registers          12 sums of 16 bits + 2 weights + 1 broadcast of 16 (AVX2)
///   after 8 groups     the sums' pairs are added to int32 in memory
/// </code>
/// </remarks>
internal readonly unsafe struct Int4GemmTile<TPairs> : IInt8GemmTile
    where TPairs : struct, IPairSums<TPairs>
{
    /// <summary>How many groups of k sums of 16 bits can hold.</summary>
    private const int GroupsAtOnce = 8;

    /// <inheritdoc />
    public static int Rows => 6;

    /// <inheritdoc />
    public static int Columns => 2 * TPairs.Groups;

    /// <inheritdoc />
    public static int Offset => 0;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* a, nint lda, nint stride, int rows, sbyte* panel, int groups, int* sums)
    {
        int width = TPairs.Groups;
        new Span<int>(sums, Rows * Columns).Clear();
        // Rows that do not exist repeat the last one that does.
        byte* a0 = a;
        byte* a1 = rows > 1 ? a0 + lda : a0;
        byte* a2 = rows > 2 ? a1 + lda : a1;
        byte* a3 = rows > 3 ? a2 + lda : a2;
        byte* a4 = rows > 4 ? a3 + lda : a3;
        byte* a5 = rows > 5 ? a4 + lda : a4;
        nint k = 0;
        for (int group = 0; group < groups; group += GroupsAtOnce)
        {
            TPairs c00 = default, c01 = default;
            TPairs c10 = default, c11 = default;
            TPairs c20 = default, c21 = default;
            TPairs c30 = default, c31 = default;
            TPairs c40 = default, c41 = default;
            TPairs c50 = default, c51 = default;
            for (nint end = k + (Math.Min(GroupsAtOnce, groups - group) * stride); k < end; k += stride)
            {
                TPairs w0 = TPairs.Load(panel), w1 = TPairs.Load(panel + (4 * width));
                panel += 8 * width;
                TPairs x = TPairs.Broadcast(a0 + k);
                c00 = TPairs.AddProducts(c00, x, w0);
                c01 = TPairs.AddProducts(c01, x, w1);
                x = TPairs.Broadcast(a1 + k);
                c10 = TPairs.AddProducts(c10, x, w0);
                c11 = TPairs.AddProducts(c11, x, w1);
                x = TPairs.Broadcast(a2 + k);
                c20 = TPairs.AddProducts(c20, x, w0);
                c21 = TPairs.AddProducts(c21, x, w1);
                x = TPairs.Broadcast(a3 + k);
                c30 = TPairs.AddProducts(c30, x, w0);
                c31 = TPairs.AddProducts(c31, x, w1);
                x = TPairs.Broadcast(a4 + k);
                c40 = TPairs.AddProducts(c40, x, w0);
                c41 = TPairs.AddProducts(c41, x, w1);
                x = TPairs.Broadcast(a5 + k);
                c50 = TPairs.AddProducts(c50, x, w0);
                c51 = TPairs.AddProducts(c51, x, w1);
            }
            TPairs.AddTo(c00, sums);
            TPairs.AddTo(c01, sums + width);
            TPairs.AddTo(c10, sums + (2 * width));
            TPairs.AddTo(c11, sums + (3 * width));
            TPairs.AddTo(c20, sums + (4 * width));
            TPairs.AddTo(c21, sums + (5 * width));
            TPairs.AddTo(c30, sums + (6 * width));
            TPairs.AddTo(c31, sums + (7 * width));
            TPairs.AddTo(c40, sums + (8 * width));
            TPairs.AddTo(c41, sums + (9 * width));
            TPairs.AddTo(c50, sums + (10 * width));
            TPairs.AddTo(c51, sums + (11 * width));
        }
    }
}
