using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Rounding.Planes;

/// <summary>Rounds rows to levels of two planes (<see cref="TwoPlanes"/>), as a product takes its input.</summary>
/// <remarks>
/// The largest magnitude of a row has the largest level. So an error is at most 1/65,024 of that magnitude. All forms
/// give the same bits.
/// </remarks>
internal abstract unsafe class SplitRows : ILanesOperation<RangeKernel<SplitRowsCall>>
{
    /// <summary>The byte of the level 0.</summary>
    public const int ZeroPoint = 128;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<SplitRowsCall>> Table { get; } =
        KernelTable<RangeKernel<SplitRowsCall>>.ForLanes<SplitRows>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<SplitRowsCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32u8-split-rows", instructionSet, &Run<TLanes>);

    /// <summary>Rounds the rows from <paramref name="rowStart"/> to before <paramref name="rowEnd"/>.</summary>
    public static void Run(in SplitRowsCall call, int rowStart, int rowEnd) =>
        Table.Best.Run(in call, rowStart, rowEnd);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in SplitRowsCall call, int rowStart, int rowEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        if (call.Columns >= TLanes.Count)
            RunRows<TLanes>(in call, rowStart, rowEnd);
        else
            RunRows<Lane1>(in call, rowStart, rowEnd);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunRows<TLanes>(in SplitRowsCall call, int rowStart, int rowEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int row = rowStart; row < rowEnd; row++)
        {
            float* source = call.Source + (row * call.SourceStride);
            float largest = Largest<TLanes>(source, call.Factors, call.Columns);
            call.Scales[row] = Levels.Scale(largest, TwoPlanes.MaxLevel);
            SplitRow<TLanes>(
                source,
                call.Factors,
                call.Columns,
                Levels.InverseScale(largest, TwoPlanes.MaxLevel),
                call.High + (row * call.TargetStride),
                call.Low + (row * call.TargetStride));
        }
    }

    // NaN does not count. Two maxima, so that their chains overlap. The last register overlaps the ones before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest<TLanes>(float* source, float* factors, int columns)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes even = TLanes.Create(0f), odd = even;
        int last = columns - TLanes.Count;
        for (int i = 0; i < columns; i += 2 * TLanes.Count)
        {
            int j = Math.Min(i, last), k = Math.Min(i + TLanes.Count, last);
            even = TLanes.Max(TLanes.Abs(TLanes.Load(source + j) * TLanes.Load(factors + j)), even);
            odd = TLanes.Max(TLanes.Abs(TLanes.Load(source + k) * TLanes.Load(factors + k)), odd);
        }
        return TLanes.Largest(TLanes.Max(even, odd));
    }

    // The last register overlaps the one before if the columns do not fill it. Both write the same values.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SplitRow<TLanes>(
        float* source, float* factors, int columns, float inverse, byte* high, byte* low)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int next = 0; next < columns; next += TLanes.Count)
        {
            int i = Math.Min(next, columns - TLanes.Count);
            TLanes value = TLanes.Load(source + i) * TLanes.Load(factors + i) * TLanes.Create(inverse);
            TLanes highPart = TwoPlanes.Split(value, out TLanes lowPart);
            TLanes.StoreLevels(highPart, TwoPlanes.MaxPart, ZeroPoint, high + i);
            TLanes.StoreLevels(lowPart, TwoPlanes.MaxPart, ZeroPoint, low + i);
        }
    }
}
