using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Scan.StatesInLanes;

/// <summary>The rows of Ā of eight channels: 16 states for each code of Δ.</summary>
/// <remarks>They are slices of the table, transposed.</remarks>
internal static unsafe class DecayRows
{
    private const int Channels = ScanBlockScratch.BlockChannels, States = ScanBlockScratch.BlockStates;

    /// <summary>The bytes of a block of codes.</summary>
    public const int BlockBytes = DecaySlices.BlockCodes * Channels * DecaySlices.RowBytes;

    /// <summary>Builds the rows that levels of Δ need and that are not there yet.</summary>
    /// <param name="scan">The scan.</param>
    /// <param name="channel">The first of eight channels.</param>
    /// <param name="firstState">The first of 16 states.</param>
    /// <param name="scratch">The levels, what is built, and the rows.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Build(PackedScan scan, int channel, int firstState, in ScanBlockScratch scratch)
    {
        uint* entries = scan.Slices.Entries;
        int* levels = scratch.Levels, built = scratch.Built;
        for (int k = 0; k < Channels; k++)
        {
            // Codes grow with levels, and so do their blocks.
            int first = BlockOf(entries[levels[k]]), end = BlockOf(entries[levels[Channels + k]]) + 1;
            if (built[Channels + k] == 0)
                built[k] = built[Channels + k] = first;
            if (first < built[k])
                Build(scan, channel, k, firstState, first, built[k], scratch.Rows);
            if (end > built[Channels + k])
                Build(scan, channel, k, firstState, built[Channels + k], end, scratch.Rows);
            built[k] = first;
            built[Channels + k] = end;
        }
    }

    private static int BlockOf(uint entry) => (int)(entry >> 16) / (DecaySlices.BlockCodes * DecaySlices.RowBytes);

    /// <summary>Some blocks of a channel.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Build(PackedScan scan, int channel, int k, int firstState, int firstBlock, int end, byte* rows)
    {
        int states = scan.States, count = Math.Min(States, states - firstState);
        int* starts = scan.Slices.Starts;
        short* table = scan.Slices.Table;
        sbyte* rates = scan.RateCodes + ((nint)(channel + k) * states) + firstState;
        sbyte* few = stackalloc sbyte[States];
        if (count < States)
        {
            // Lanes without a state take a code that exists.
            for (int n = 0; n < States; n++)
                few[n] = rates[Math.Min(n, count - 1)];
            rates = few;
        }
        for (int block = firstBlock; block < end; block++)
            Transpose(table + starts[block], rates, (short*)(rows + (block * BlockBytes) + (k * DecaySlices.RowBytes)));
    }

    /// <summary>Eight codes of 16 states.</summary>
    /// <remarks>
    /// <code>
    ///   slice of state n      c0 c1 c2 c3 c4 c5 c6 c7 | the same of state n + 8      eight registers
    ///   row of code c         n0 n1 n2 n3 n4 n5 n6 n7 | n8 …                         eight registers
    /// </code>
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(short* table, sbyte* rates, short* target)
    {
        const int Stride = Channels * States;
        Vector256<short> s0 = Slices(table, rates), s1 = Slices(table, rates + 1);
        Vector256<short> s2 = Slices(table, rates + 2), s3 = Slices(table, rates + 3);
        Vector256<int> a0 = Avx2.UnpackLow(s0, s1).AsInt32(), a1 = Avx2.UnpackHigh(s0, s1).AsInt32();
        Vector256<int> a2 = Avx2.UnpackLow(s2, s3).AsInt32(), a3 = Avx2.UnpackHigh(s2, s3).AsInt32();
        Vector256<long> b0 = Avx2.UnpackLow(a0, a2).AsInt64(), b1 = Avx2.UnpackHigh(a0, a2).AsInt64();
        Vector256<long> b2 = Avx2.UnpackLow(a1, a3).AsInt64(), b3 = Avx2.UnpackHigh(a1, a3).AsInt64();
        s0 = Slices(table, rates + 4);
        s1 = Slices(table, rates + 5);
        s2 = Slices(table, rates + 6);
        s3 = Slices(table, rates + 7);
        a0 = Avx2.UnpackLow(s0, s1).AsInt32();
        a1 = Avx2.UnpackHigh(s0, s1).AsInt32();
        a2 = Avx2.UnpackLow(s2, s3).AsInt32();
        a3 = Avx2.UnpackHigh(s2, s3).AsInt32();
        Vector256<long> b4 = Avx2.UnpackLow(a0, a2).AsInt64(), b5 = Avx2.UnpackHigh(a0, a2).AsInt64();
        Vector256<long> b6 = Avx2.UnpackLow(a1, a3).AsInt64(), b7 = Avx2.UnpackHigh(a1, a3).AsInt64();
        Avx2.UnpackLow(b0, b4).AsInt16().Store(target);
        Avx2.UnpackHigh(b0, b4).AsInt16().Store(target + Stride);
        Avx2.UnpackLow(b1, b5).AsInt16().Store(target + (2 * Stride));
        Avx2.UnpackHigh(b1, b5).AsInt16().Store(target + (3 * Stride));
        Avx2.UnpackLow(b2, b6).AsInt16().Store(target + (4 * Stride));
        Avx2.UnpackHigh(b2, b6).AsInt16().Store(target + (5 * Stride));
        Avx2.UnpackLow(b3, b7).AsInt16().Store(target + (6 * Stride));
        Avx2.UnpackHigh(b3, b7).AsInt16().Store(target + (7 * Stride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Slices(short* table, sbyte* rates) =>
        Vector256.Create(Vector128.Load(table + rates[0]), Vector128.Load(table + rates[8]));
}
