using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// The AVX2 tile of <see cref="Int8Gemm"/> for weights of 4 bits: 6 rows × 16 columns. Two products with bytes, 2·255·8 at most, fit 16 bits,
/// and so do eight such pairs (32640): sums stay in 16 bits for eight groups of k before they are widened.
/// </summary>
/// <remarks>
/// <code>
///                          w0 (8 columns × 4)  w1 (8 columns × 4)   per group of k: 2 loads, 6 broadcasts, 12 multiply-adds, 12 additions
///   broadcast a[0, k..k+3] c00                 c01                  registers: 12 sums of 16 bits + 2 weights + 1 broadcast of 16
///   ...                    ...                 ...                  after eight groups: the sums' pairs are added to int32 in memory
///   broadcast a[5, k..k+3] c50                 c51
/// </code>
/// </remarks>
internal readonly unsafe struct Int4GemmAvx2 : IInt8GemmTile
{
    /// <summary>How many groups of k sums of 16 bits can hold.</summary>
    private const int GroupsAtOnce = 8;

    /// <inheritdoc />
    public static int Rows => 6;

    /// <inheritdoc />
    public static int Columns => 16;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* a, nint lda, nint step, int rows, sbyte* panel, int groups, int* sums)
    {
        new Span<int>(sums, 6 * 16).Clear();
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
            Vector256<short> c00 = Vector256<short>.Zero, c01 = Vector256<short>.Zero;
            Vector256<short> c10 = Vector256<short>.Zero, c11 = Vector256<short>.Zero;
            Vector256<short> c20 = Vector256<short>.Zero, c21 = Vector256<short>.Zero;
            Vector256<short> c30 = Vector256<short>.Zero, c31 = Vector256<short>.Zero;
            Vector256<short> c40 = Vector256<short>.Zero, c41 = Vector256<short>.Zero;
            Vector256<short> c50 = Vector256<short>.Zero, c51 = Vector256<short>.Zero;
            for (nint end = k + (Math.Min(GroupsAtOnce, groups - group) * step); k < end; k += step)
            {
                Vector256<sbyte> w0 = Vector256.Load(panel), w1 = Vector256.Load(panel + 32);
                panel += 64;
                Vector256<byte> x = Vector256.Create(*(int*)(a0 + k)).AsByte();
                c00 += Avx2.MultiplyAddAdjacent(x, w0);
                c01 += Avx2.MultiplyAddAdjacent(x, w1);
                x = Vector256.Create(*(int*)(a1 + k)).AsByte();
                c10 += Avx2.MultiplyAddAdjacent(x, w0);
                c11 += Avx2.MultiplyAddAdjacent(x, w1);
                x = Vector256.Create(*(int*)(a2 + k)).AsByte();
                c20 += Avx2.MultiplyAddAdjacent(x, w0);
                c21 += Avx2.MultiplyAddAdjacent(x, w1);
                x = Vector256.Create(*(int*)(a3 + k)).AsByte();
                c30 += Avx2.MultiplyAddAdjacent(x, w0);
                c31 += Avx2.MultiplyAddAdjacent(x, w1);
                x = Vector256.Create(*(int*)(a4 + k)).AsByte();
                c40 += Avx2.MultiplyAddAdjacent(x, w0);
                c41 += Avx2.MultiplyAddAdjacent(x, w1);
                x = Vector256.Create(*(int*)(a5 + k)).AsByte();
                c50 += Avx2.MultiplyAddAdjacent(x, w0);
                c51 += Avx2.MultiplyAddAdjacent(x, w1);
            }
            AddPairs(c00, sums);
            AddPairs(c01, sums + 8);
            AddPairs(c10, sums + 16);
            AddPairs(c11, sums + 24);
            AddPairs(c20, sums + 32);
            AddPairs(c21, sums + 40);
            AddPairs(c30, sums + 48);
            AddPairs(c31, sums + 56);
            AddPairs(c40, sums + 64);
            AddPairs(c41, sums + 72);
            AddPairs(c50, sums + 80);
            AddPairs(c51, sums + 88);
        }
    }

    /// <summary>Adds the sums of a group's two pairs, which lie side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddPairs(Vector256<short> pairs, int* sums) =>
        (Vector256.Load(sums) + Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One)).Store(sums);
}
