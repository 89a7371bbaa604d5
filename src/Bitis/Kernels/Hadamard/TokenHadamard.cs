using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Hadamard;

/// <summary>The Walsh-Hadamard transform along the tokens, in blocks of 16 rows of which some are kept.</summary>
/// <remarks>
/// <c>x̂ = Ĥ·x</c> is the low-rank form from which HLQ computes the gradient of the weights. The rows of a block may
/// lie anywhere. The largest magnitudes of the columns are found on the way. All forms give the same bits.
/// </remarks>
internal abstract unsafe class TokenHadamard : ILanesOperation<CallKernel<TokenHadamardCall>>
{
    /// <summary>The rows of a block.</summary>
    public const int BlockRows = 16;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<CallKernel<TokenHadamardCall>> Table { get; } =
        KernelTable<CallKernel<TokenHadamardCall>>.ForLanes<TokenHadamard>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static CallKernel<TokenHadamardCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-token-hadamard", instructionSet, &Run<TLanes>);

    /// <summary>Transforms all blocks.</summary>
    public static void Run(in TokenHadamardCall call) => Table.Best.Run(in call);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in TokenHadamardCall call)
        where TLanes : struct, ILanes<TLanes>
    {
        // The last register overlaps the one before if the columns do not fill it. Both write the same values.
        if (call.Columns >= TLanes.Count)
            RunColumns<TLanes>(in call);
        else
            RunColumns<Lane1>(in call);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunColumns<TLanes>(in TokenHadamardCall call)
        where TLanes : struct, ILanes<TLanes>
    {
        new Span<float>(call.Maxima, call.Columns).Clear();
        float* buffer = stackalloc float[BlockRows * TLanes.Count];
        int last = call.Columns - TLanes.Count;
        for (int block = 0; block < call.Blocks; block++)
        {
            int* rows = call.BlockRows + (block * BlockRows);
            float* target = call.Target + (block * call.Rank * call.TargetStride);
            for (int i = 0; i < call.Columns; i += TLanes.Count)
                Transform<TLanes>(in call, rows, target, Math.Min(i, last), buffer);
        }
        // If only maxima are needed, four rows share one update of them.
        int found = call.Target is null ? call.Singles / 4 * 4 : 0;
        if (call.Sums is null)
            FindMaxima<TLanes, Off>(in call, found);
        else
            FindMaxima<TLanes, On>(in call, found);
        for (int single = found; single < call.Singles; single++)
        {
            float* target =
                call.Target is null ? null : call.Target + (((call.Blocks * call.Rank) + single) * call.TargetStride);
            for (int i = 0; i < call.Columns; i += TLanes.Count)
            {
                int column = Math.Min(i, last);
                Keep(
                    Row<TLanes>(call.Source + column, call.SourceStride, call.SingleRows[single]),
                    target,
                    call.Maxima,
                    column);
                if (call.Sums is not null)
                {
                    TLanes value = Row<TLanes>(call.Source + column, call.SourceStride, call.SingleRows[single]);
                    TLanes.Store(TLanes.Load(call.Sums + column) + value, call.Sums + column);
                }
            }
        }
    }

    /// <summary>The maxima of single rows, and with a switch their sums; the rows are a multiple of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FindMaxima<TLanes, TSums>(in TokenHadamardCall call, int singles)
        where TLanes : struct, ILanes<TLanes>
        where TSums : struct, ISwitch
    {
        int last = call.Columns - TLanes.Count;
        nint stride = call.SourceStride;
        float* maxima = call.Maxima, sums = call.Sums;
        for (int single = 0; single < singles; single += 4)
        {
            int* rows = call.SingleRows + single;
            for (int i = 0; i < call.Columns; i += TLanes.Count)
            {
                int column = Math.Min(i, last);
                float* source = call.Source + column;
                TLanes a = Row<TLanes>(source, stride, rows[0]), b = Row<TLanes>(source, stride, rows[1]);
                TLanes c = Row<TLanes>(source, stride, rows[2]), d = Row<TLanes>(source, stride, rows[3]);
                TLanes max = TLanes.Max(TLanes.Abs(a), TLanes.Load(maxima + column));
                max = TLanes.Max(TLanes.Abs(b), max);
                max = TLanes.Max(TLanes.Abs(c), max);
                TLanes.Store(TLanes.Max(TLanes.Abs(d), max), maxima + column);
                if (TSums.IsOn)
                    TLanes.Store(TLanes.Load(sums + column) + a + b + c + d, sums + column);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transform<TLanes>(
        in TokenHadamardCall call, int* rows, float* target, int column, float* buffer)
        where TLanes : struct, ILanes<TLanes>
    {
        float* source = call.Source + column;
        nint stride = call.SourceStride;
        if (call.Transforms)
        {
            // All 16 rows in registers, two stages of the transform at a time: distances 1 and 2, then 4 and 8.
            TLanes r0 = Row<TLanes>(source, stride, rows[0]), r1 = Row<TLanes>(source, stride, rows[1]);
            TLanes r2 = Row<TLanes>(source, stride, rows[2]), r3 = Row<TLanes>(source, stride, rows[3]);
            Combine(ref r0, ref r1, ref r2, ref r3);
            TLanes r4 = Row<TLanes>(source, stride, rows[4]), r5 = Row<TLanes>(source, stride, rows[5]);
            TLanes r6 = Row<TLanes>(source, stride, rows[6]), r7 = Row<TLanes>(source, stride, rows[7]);
            Combine(ref r4, ref r5, ref r6, ref r7);
            TLanes r8 = Row<TLanes>(source, stride, rows[8]), r9 = Row<TLanes>(source, stride, rows[9]);
            TLanes r10 = Row<TLanes>(source, stride, rows[10]), r11 = Row<TLanes>(source, stride, rows[11]);
            Combine(ref r8, ref r9, ref r10, ref r11);
            TLanes r12 = Row<TLanes>(source, stride, rows[12]), r13 = Row<TLanes>(source, stride, rows[13]);
            TLanes r14 = Row<TLanes>(source, stride, rows[14]), r15 = Row<TLanes>(source, stride, rows[15]);
            Combine(ref r12, ref r13, ref r14, ref r15);
            Combine(ref r0, ref r4, ref r8, ref r12);
            Store(buffer, r0, r4, r8, r12);
            Combine(ref r1, ref r5, ref r9, ref r13);
            Store(buffer + TLanes.Count, r1, r5, r9, r13);
            Combine(ref r2, ref r6, ref r10, ref r14);
            Store(buffer + (2 * TLanes.Count), r2, r6, r10, r14);
            Combine(ref r3, ref r7, ref r11, ref r15);
            Store(buffer + (3 * TLanes.Count), r3, r7, r11, r15);
        }
        else
        {
            for (int i = 0; i < BlockRows; i++)
                TLanes.Store(Row<TLanes>(source, stride, rows[i]), buffer + (i * TLanes.Count));
        }
        TLanes factor = TLanes.Create(call.Factor);
        TLanes largest = TLanes.Load(call.Maxima + column);
        for (int i = 0; i < call.Rank; i++)
        {
            TLanes value = TLanes.Load(buffer + (call.Kept[i] * TLanes.Count)) * factor;
            TLanes.Store(value, target + (i * call.TargetStride) + column);
            largest = TLanes.Max(TLanes.Abs(value), largest);
        }
        TLanes.Store(largest, call.Maxima + column);
    }

    /// <summary>Two stages of the transform at once: distances 1 and 2, or 4 and 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Combine<TLanes>(ref TLanes a, ref TLanes b, ref TLanes c, ref TLanes d)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes sum = a + b, difference = a - b, otherSum = c + d, otherDifference = c - d;
        a = sum + otherSum;
        b = difference + otherDifference;
        c = sum - otherSum;
        d = difference - otherDifference;
    }

    /// <summary>Writes every fourth register of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TLanes>(float* buffer, TLanes a, TLanes b, TLanes c, TLanes d)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes.Store(a, buffer);
        TLanes.Store(b, buffer + (4 * TLanes.Count));
        TLanes.Store(c, buffer + (8 * TLanes.Count));
        TLanes.Store(d, buffer + (12 * TLanes.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Row<TLanes>(float* source, nint stride, int row)
        where TLanes : struct, ILanes<TLanes> =>
        row < 0 ? TLanes.Create(0f) : TLanes.Load(source + (row * stride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep<TLanes>(TLanes value, float* target, float* maxima, int column)
        where TLanes : struct, ILanes<TLanes>
    {
        if (target is not null)
            TLanes.Store(value, target + column);
        TLanes.Store(TLanes.Max(TLanes.Abs(value), TLanes.Load(maxima + column)), maxima + column);
    }
}
