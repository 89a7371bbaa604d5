using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// The AVX-512 tile of <see cref="Int8Gemm"/> for weights of 4 bits: 6 rows × 32 columns. Two products with bytes, 2·255·8 at most, fit 16 bits,
/// and so do eight such pairs (32640): sums stay in 16 bits for eight groups of k before they are widened.
/// </summary>
/// <remarks>
/// <code>
///                          w0 (16 columns × 4) w1 (16 columns × 4)  per group of k: 2 loads, 6 broadcasts, 12 multiply-adds, 12 additions
///   broadcast a[0, k..k+3] c00                 c01                  registers: 12 sums of 16 bits + 2 weights + 1 broadcast of 32
///   ...                    ...                 ...                  after eight groups: the sums' pairs are added to int32 in memory
///   broadcast a[5, k..k+3] c50                 c51
/// </code>
/// </remarks>
internal readonly unsafe struct Int4GemmAvx512 : IInt8GemmTile
{
    /// <summary>How many groups of k sums of 16 bits can hold.</summary>
    private const int GroupsAtOnce = 8;

    /// <inheritdoc />
    public static int Rows => 6;

    /// <inheritdoc />
    public static int Columns => 32;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* a, nint lda, nint step, int rows, sbyte* panel, int groups, int* sums)
    {
        new Span<int>(sums, 6 * 32).Clear();
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
            Vector512<short> c00 = Vector512<short>.Zero, c01 = Vector512<short>.Zero;
            Vector512<short> c10 = Vector512<short>.Zero, c11 = Vector512<short>.Zero;
            Vector512<short> c20 = Vector512<short>.Zero, c21 = Vector512<short>.Zero;
            Vector512<short> c30 = Vector512<short>.Zero, c31 = Vector512<short>.Zero;
            Vector512<short> c40 = Vector512<short>.Zero, c41 = Vector512<short>.Zero;
            Vector512<short> c50 = Vector512<short>.Zero, c51 = Vector512<short>.Zero;
            for (nint end = k + (Math.Min(GroupsAtOnce, groups - group) * step); k < end; k += step)
            {
                Vector512<sbyte> w0 = Vector512.Load(panel), w1 = Vector512.Load(panel + 64);
                panel += 128;
                Vector512<byte> x = Vector512.Create(*(int*)(a0 + k)).AsByte();
                c00 += Avx512BW.MultiplyAddAdjacent(x, w0);
                c01 += Avx512BW.MultiplyAddAdjacent(x, w1);
                x = Vector512.Create(*(int*)(a1 + k)).AsByte();
                c10 += Avx512BW.MultiplyAddAdjacent(x, w0);
                c11 += Avx512BW.MultiplyAddAdjacent(x, w1);
                x = Vector512.Create(*(int*)(a2 + k)).AsByte();
                c20 += Avx512BW.MultiplyAddAdjacent(x, w0);
                c21 += Avx512BW.MultiplyAddAdjacent(x, w1);
                x = Vector512.Create(*(int*)(a3 + k)).AsByte();
                c30 += Avx512BW.MultiplyAddAdjacent(x, w0);
                c31 += Avx512BW.MultiplyAddAdjacent(x, w1);
                x = Vector512.Create(*(int*)(a4 + k)).AsByte();
                c40 += Avx512BW.MultiplyAddAdjacent(x, w0);
                c41 += Avx512BW.MultiplyAddAdjacent(x, w1);
                x = Vector512.Create(*(int*)(a5 + k)).AsByte();
                c50 += Avx512BW.MultiplyAddAdjacent(x, w0);
                c51 += Avx512BW.MultiplyAddAdjacent(x, w1);
            }
            AddPairs(c00, sums);
            AddPairs(c01, sums + 16);
            AddPairs(c10, sums + 32);
            AddPairs(c11, sums + 48);
            AddPairs(c20, sums + 64);
            AddPairs(c21, sums + 80);
            AddPairs(c30, sums + 96);
            AddPairs(c31, sums + 112);
            AddPairs(c40, sums + 128);
            AddPairs(c41, sums + 144);
            AddPairs(c50, sums + 160);
            AddPairs(c51, sums + 176);
        }
    }

    /// <summary>Adds the sums of a group's two pairs, which lie side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddPairs(Vector512<short> pairs, int* sums) =>
        (Vector512.Load(sums) + Avx512BW.MultiplyAddAdjacent(pairs, Vector512<short>.One)).Store(sums);
}
