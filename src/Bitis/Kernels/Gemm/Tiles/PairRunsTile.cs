using System.Runtime.CompilerServices;

namespace Bitis.Kernels.Gemm.Tiles;

/// <summary>
/// The tile of <see cref="Int8Gemm"/> for weights of at most 7 bits and processors without an 8-bit dot product.
/// </summary>
/// <remarks>
/// The multiply-add of bytes saturates at 16 bits. Two products of such weights, 2·255·64 at most, always fit. Sums
/// stay in 16 bits for a run of groups of k, which is as long as the weights of the panel themselves permit
/// (<see cref="PanelRuns"/>). Additions may wrap around in between, since a run's result fits.
/// <code>
///                          w0 (columns × 4)  w1 (columns × 4)
///   broadcast a[0, k..k+3] c00               c01
///   ...                    ...               ...
///   broadcast a[5, k..k+3] c50               c51
///
///   per group of k     2 loads, 6 broadcasts, 12 multiply-adds, 12 additions
///   registers          12 sums of 16 bits + 2 weights + 1 broadcast + 1 product of 16 (AVX2)
///   before a run       2 loads of what its sums start at
///   after a run        the sums' pairs are added to int32 in memory
/// </code>
/// </remarks>
internal readonly unsafe struct PairRunsTile<TPairs> : IInt8GemmTile
    where TPairs : struct, IPairSums<TPairs>
{
    /// <inheritdoc />
    public static int Rows => 6;

    /// <inheritdoc />
    public static int Columns => 2 * TPairs.Groups;

    /// <inheritdoc />
    public static bool UsesRuns => true;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int FindRuns(sbyte* panel, int groups, in PanelRuns runs)
    {
        int width = TPairs.Groups, count = 0, length = 0;
        new Span<int>(runs.Corrections, Columns).Clear();
        TPairs sum0 = default, sum1 = default, magnitude0 = default, magnitude1 = default;
        for (int group = 0; group < groups; group++)
        {
            TPairs next0 = TPairs.Magnitudes(panel), next1 = TPairs.Magnitudes(panel + (4 * width));
            TPairs longer0 = magnitude0 + next0, longer1 = magnitude1 + next1;
            if (length > 0 && TPairs.AnyAbove(longer0, longer1, PanelRuns.MaxMagnitude))
            {
                EndRun(in runs, count++, length, sum0, sum1);
                (sum0, sum1, longer0, longer1, length) = (default, default, next0, next1, 0);
            }
            (magnitude0, magnitude1) = (longer0, longer1);
            sum0 += TPairs.Sums(panel);
            sum1 += TPairs.Sums(panel + (4 * width));
            panel += 8 * width;
            length++;
        }
        if (length > 0)
            EndRun(in runs, count++, length, sum0, sum1);
        return count;
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* a, nint lda, nint stride, int rows, in GemmPanel panel, int* sums)
    {
        int width = TPairs.Groups;
        sbyte* weights = panel.Weights;
        short* start = panel.Runs.Starts;
        int* length = panel.Runs.Lengths;
        for (int row = 0; row < Rows; row++)
            Unsafe.CopyBlock(sums + (row * Columns), panel.Runs.Corrections, (uint)(Columns * sizeof(int)));
        // Rows that do not exist repeat the last one that does.
        byte* a0 = a;
        byte* a1 = rows > 1 ? a0 + lda : a0;
        byte* a2 = rows > 2 ? a1 + lda : a1;
        byte* a3 = rows > 3 ? a2 + lda : a2;
        byte* a4 = rows > 4 ? a3 + lda : a3;
        byte* a5 = rows > 5 ? a4 + lda : a4;
        nint last = panel.Groups * stride;
        for (nint k = 0; k < last;)
        {
            TPairs c00 = TPairs.Load(start), c01 = TPairs.Load(start + (2 * width));
            TPairs c10 = c00, c11 = c01;
            TPairs c20 = c00, c21 = c01;
            TPairs c30 = c00, c31 = c01;
            TPairs c40 = c00, c41 = c01;
            TPairs c50 = c00, c51 = c01;
            start += 4 * width;
            // Not "do": the JIT would copy all sums each time, since they live on after the loop.
            for (nint end = k + (*length++ * stride); k < end; k += stride)
            {
                TPairs w0 = TPairs.Load(weights), w1 = TPairs.Load(weights + (4 * width));
                weights += 8 * width;
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

    /// <summary>Writes a run, and adds to the corrections what its sums lack.</summary>
    private static void EndRun(in PanelRuns runs, int run, int length, TPairs sum0, TPairs sum1)
    {
        TPairs lack0 = TPairs.TimesZeroPoint(sum0), lack1 = TPairs.TimesZeroPoint(sum1);
        short* start = runs.Starts + ((nint)run * 2 * Columns);
        TPairs.Store(-lack0, start);
        TPairs.Store(-lack1, start + (2 * TPairs.Groups));
        TPairs.AddTo(lack0, runs.Corrections);
        TPairs.AddTo(lack1, runs.Corrections + TPairs.Groups);
        runs.Lengths[run] = length;
    }
}
