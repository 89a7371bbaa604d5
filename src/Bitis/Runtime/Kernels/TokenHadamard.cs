using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// The Walsh-Hadamard transform along the tokens, of blocks of 16 rows wherever they lie, of which some rows are kept:
/// <c>x̂ = Ĥ·x</c>, the low-rank form that HLQ's weight gradient is computed from. The largest magnitudes of the columns are found on the way. All forms
/// give the same bits.
/// </summary>
internal static unsafe class TokenHadamard
{
    /// <summary>The rows of a block.</summary>
    public const int BlockRows = 16;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<TokenHadamardKernel> Table { get; } = new(
        new(InstructionSet.Avx512, &Run<Lanes512>),
        new(InstructionSet.Avx2, &Run<Lanes256>),
        Vector128.IsHardwareAccelerated
            ? new(InstructionSet.Portable, &Run<Lanes128>)
            : new(InstructionSet.Portable, &Run<Lane1>));

    /// <summary>Transforms all blocks.</summary>
    public static void Run(in TokenHadamardCall call) => Table.Best.Run(in call);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in TokenHadamardCall call)
        where TLanes : struct, ILanes<TLanes>
    {
        new Span<float>(call.Maxima, call.Columns).Clear();
        float* buffer = stackalloc float[BlockRows * TLanes.Count];
        int whole = call.Columns / TLanes.Count * TLanes.Count;
        for (int block = 0; block < call.Blocks; block++)
        {
            int* rows = call.BlockRows + (block * BlockRows);
            float* target = call.Target + (block * call.Rank * call.TargetStride);
            int i = 0;
            for (; i < whole; i += TLanes.Count)
                Transform<TLanes>(in call, rows, target, i, buffer);
            for (; i < call.Columns; i++)
                Transform<Lane1>(in call, rows, target, i, buffer);
        }
        for (int single = 0; single < call.Singles; single++)
        {
            float* source = call.Source + (call.SingleRows[single] * call.SourceStride);
            float* target = call.Target + (((call.Blocks * call.Rank) + single) * call.TargetStride);
            int i = 0;
            for (; i < whole; i += TLanes.Count)
                Keep(TLanes.Load(source + i), target, call.Maxima, i);
            for (; i < call.Columns; i++)
                Keep(Lane1.Load(source + i), target, call.Maxima, i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transform<TLanes>(in TokenHadamardCall call, int* rows, float* target, int column, float* buffer)
        where TLanes : struct, ILanes<TLanes>
    {
        float* source = call.Source + column;
        nint stride = call.SourceStride;
        if (call.Order == BlockRows)
        {
            for (int i = 0; i < BlockRows; i += 4)
            {
                Combine(
                    Row<TLanes>(source, stride, rows[i]),
                    Row<TLanes>(source, stride, rows[i + 1]),
                    Row<TLanes>(source, stride, rows[i + 2]),
                    Row<TLanes>(source, stride, rows[i + 3]),
                    buffer + (i * TLanes.Count),
                    TLanes.Count);
            }
            int step = 4 * TLanes.Count;
            for (int i = 0; i < 4; i++)
            {
                float* first = buffer + (i * TLanes.Count);
                Combine(TLanes.Load(first), TLanes.Load(first + step), TLanes.Load(first + (2 * step)), TLanes.Load(first + (3 * step)), first, step);
            }
        }
        else
        {
            for (int i = 0; i < BlockRows; i++)
                TLanes.Store(Row<TLanes>(source, stride, rows[i]), buffer + (i * TLanes.Count));
            for (int distance = 1; distance < call.Order; distance *= 2)
                Combine<TLanes>(buffer, distance);
        }
        TLanes factor = TLanes.Create(call.Factor);
        for (int i = 0; i < call.Rank; i++)
            Keep(TLanes.Load(buffer + (call.Kept[i] * TLanes.Count)) * factor, target + (i * call.TargetStride), call.Maxima, column);
    }

    /// <summary>Two steps of the transform at once: distances 1 and 2, or 4 and 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Combine<TLanes>(TLanes a, TLanes b, TLanes c, TLanes d, float* target, int step)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes sum = a + b, difference = a - b, otherSum = c + d, otherDifference = c - d;
        TLanes.Store(sum + otherSum, target);
        TLanes.Store(difference + otherDifference, target + step);
        TLanes.Store(sum - otherSum, target + (2 * step));
        TLanes.Store(difference - otherDifference, target + (3 * step));
    }

    /// <summary>One step of the transform.</summary>
    private static void Combine<TLanes>(float* buffer, int distance)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int i = 0; i < BlockRows; i++)
        {
            if ((i & distance) != 0)
                continue;
            float* low = buffer + (i * TLanes.Count), high = low + (distance * TLanes.Count);
            TLanes a = TLanes.Load(low), b = TLanes.Load(high);
            TLanes.Store(a + b, low);
            TLanes.Store(a - b, high);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Row<TLanes>(float* source, nint stride, int row)
        where TLanes : struct, ILanes<TLanes> =>
        row < 0 ? TLanes.Create(0f) : TLanes.Load(source + (row * stride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep<TLanes>(TLanes value, float* target, float* maxima, int column)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes.Store(value, target + column);
        TLanes.Store(TLanes.Max(TLanes.Abs(value), TLanes.Load(maxima + column)), maxima + column);
    }
}
