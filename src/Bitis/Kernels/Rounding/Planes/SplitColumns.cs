using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Rounding.Planes;

/// <summary>
/// Rounds columns to levels of two planes (<see cref="TwoPlanes"/>), as the weights of an <see cref="Int8Gemm"/>.
/// </summary>
/// <remarks>
/// The product sums over the rows, four of which are interleaved. The largest magnitude of a column has the largest
/// level. So an error is at most 1/65,024 of that magnitude. All forms give the same bits.
/// </remarks>
internal abstract unsafe class SplitColumns : ILanesOperation<CallKernel<SplitColumnsCall>>
{
    private const int GroupRows = 4;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<CallKernel<SplitColumnsCall>> Table { get; } =
        KernelTable<CallKernel<SplitColumnsCall>>.ForLanes<SplitColumns>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static CallKernel<SplitColumnsCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32s8-split-columns", instructionSet, &Run<TLanes>);

    /// <summary>Rounds and packs.</summary>
    public static void Run(in SplitColumnsCall call) => Table.Best.Run(in call);

    // Column by column, so that a column's maximum and sums stay in registers. The last register of a panel overlaps
    // the one before if the columns do not fill it. Both write the same values.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in SplitColumnsCall call)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int panel = 0; panel < call.Columns; panel += call.PanelColumns)
        {
            int end = Math.Min(panel + call.PanelColumns, call.Columns);
            if (end - panel >= TLanes.Count)
                SplitPanel<TLanes>(in call, panel, end);
            else
                SplitPanel<Lane1>(in call, panel, end);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SplitPanel<TLanes>(in SplitColumnsCall call, int panel, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int i = panel; i < end; i += TLanes.Count)
        {
            int column = Math.Min(i, end - TLanes.Count);
            SplitLanes<TLanes>(in call, panel, column, FindScales<TLanes>(in call, column));
        }
    }

    /// <summary>Finds the scales of a register of columns, and returns their inverses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes FindScales<TLanes>(in SplitColumnsCall call, int column)
        where TLanes : struct, ILanes<TLanes>
    {
        float* source = call.Source + column;
        TLanes even = TLanes.Create(0f), odd = even;
        int row = 0;
        for (; row + 2 <= call.Rows; row += 2, source += 2 * call.SourceStride)
        {
            even = TLanes.Max(TLanes.Abs(Value<TLanes>(source, call.Factors + row)), even); // NaN does not count
            odd = TLanes.Max(TLanes.Abs(Value<TLanes>(source + call.SourceStride, call.Factors + row + 1)), odd);
        }
        if (row < call.Rows)
            even = TLanes.Max(TLanes.Abs(Value<TLanes>(source, call.Factors + row)), even);
        float* lanes = stackalloc float[TLanes.Count];
        TLanes.Store(TLanes.Max(even, odd), lanes);
        for (int i = 0; i < TLanes.Count; i++)
        {
            call.Scales[column + i] = Levels.Scale(lanes[i], TwoPlanes.MaxLevel);
            lanes[i] = Levels.InverseScale(lanes[i], TwoPlanes.MaxLevel);
        }
        return TLanes.Load(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SplitLanes<TLanes>(in SplitColumnsCall call, int panel, int column, TLanes inverse)
        where TLanes : struct, ILanes<TLanes>
    {
        int width = Math.Min(call.PanelColumns, call.PaddedColumns - panel);
        int groups = (call.Rows + GroupRows - 1) / GroupRows, wholeGroups = call.Rows / GroupRows;
        nint groupBytes = width * GroupRows, stride = call.SourceStride;
        nint offset = ((nint)panel * groups * GroupRows) + ((column - panel) * GroupRows);
        byte* high = (byte*)call.High + offset, low = (byte*)call.Low + offset;
        float* source = call.Source + column, factors = call.Factors;
        TLanes highSums = TLanes.Create(0f), lowSums = highSums;
        for (int group = 0; group < wholeGroups; group++)
        {
            TLanes a = TwoPlanes.Split(Value<TLanes>(source, factors) * inverse, out TLanes lowA);
            TLanes b = TwoPlanes.Split(Value<TLanes>(source + stride, factors + 1) * inverse, out TLanes lowB);
            TLanes c = TwoPlanes.Split(Value<TLanes>(source + (2 * stride), factors + 2) * inverse, out TLanes lowC);
            TLanes d = TwoPlanes.Split(Value<TLanes>(source + (3 * stride), factors + 3) * inverse, out TLanes lowD);
            highSums += a + b + (c + d);
            lowSums += lowA + lowB + (lowC + lowD);
            TLanes.StoreLevels(a, b, c, d, TwoPlanes.MaxPart, zeroPoint: 0, high);
            TLanes.StoreLevels(lowA, lowB, lowC, lowD, TwoPlanes.MaxPart, zeroPoint: 0, low);
            source += GroupRows * stride;
            factors += GroupRows;
            high += groupBytes;
            low += groupBytes;
        }
        if (wholeGroups < groups)
        {
            int left = call.Rows - (wholeGroups * GroupRows);
            TLanes zero = TLanes.Create(0f), b = zero, c = zero, lowB = zero, lowC = zero;
            TLanes a = TwoPlanes.Split(Value<TLanes>(source, factors) * inverse, out TLanes lowA);
            if (left > 1)
                b = TwoPlanes.Split(Value<TLanes>(source + stride, factors + 1) * inverse, out lowB);
            if (left > 2)
                c = TwoPlanes.Split(Value<TLanes>(source + (2 * stride), factors + 2) * inverse, out lowC);
            highSums += a + b + c;
            lowSums += lowA + lowB + lowC;
            TLanes.StoreLevels(a, b, c, zero, TwoPlanes.MaxPart, zeroPoint: 0, high);
            TLanes.StoreLevels(lowA, lowB, lowC, zero, TwoPlanes.MaxPart, zeroPoint: 0, low);
        }
        float* lanes = stackalloc float[TLanes.Count];
        WriteSums(highSums, lanes, call.HighSums + column);
        WriteSums(lowSums, lanes, call.LowSums + column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Value<TLanes>(float* source, float* factor)
        where TLanes : struct, ILanes<TLanes> => TLanes.Load(source) * TLanes.Create(*factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteSums<TLanes>(TLanes sums, float* lanes, int* target)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes.Store(sums, lanes);
        for (int i = 0; i < TLanes.Count; i++)
            target[i] = (int)lanes[i];
    }
}
