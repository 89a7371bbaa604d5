using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Gemm;

/// <summary>Turns sums of products of levels into values, or into levels of the next layer.</summary>
/// <remarks>
/// The values are those of <see cref="Int8Gemm"/> and the levels those of <see cref="Quantize"/>, bit for bit:
/// <code>
/// y = (float)(sum − zeroPoint·columnSum[n])·(scale·scales[n]) + bias[n]       every product and sum rounded
/// y = max(0, y)                                                              with a rectifier
/// q = clamp(round(y·inverseScale) + levelOfZero, 0, maxLevel)                for levels
/// </code>
/// </remarks>
internal abstract unsafe class FinishSums : ILanesOperation<RangeKernel<FinishSumsCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<FinishSumsCall>> Table { get; } =
        KernelTable<RangeKernel<FinishSumsCall>>.ForLanes<FinishSums>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<FinishSumsCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("s32-finish", instructionSet, &Run<TLanes>);

    /// <summary>Finishes the rows from <paramref name="start"/> to before <paramref name="end"/>.</summary>
    public static void Run(in FinishSumsCall call, int start, int end) => Table.Best.Run(in call, start, end);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in FinishSumsCall call, int start, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int row = start; row < end; row++)
        {
            int* sums = call.Sums + (row * call.SumsStride);
            int i = 0;
            if (call.Values != null)
            {
                float* values = call.Values + (row * call.TargetStride);
                for (; i + TLanes.Count <= call.Columns; i += TLanes.Count)
                    TLanes.Store(Value<TLanes>(in call, sums, i), values + i);
                for (; i < call.Columns; i++)
                    Lane1.Store(Value<Lane1>(in call, sums, i), values + i);
                continue;
            }
            byte* levels = call.Levels + (row * call.TargetStride);
            for (; i + TLanes.Count <= call.Columns; i += TLanes.Count)
                TLanes.StoreBytes(Level(in call, Value<TLanes>(in call, sums, i)), levels + i);
            for (; i < call.Columns; i++)
                Lane1.StoreBytes(Level(in call, Value<Lane1>(in call, sums, i)), levels + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Value<TLanes>(in FinishSumsCall call, int* sums, int i)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes scale = TLanes.Create(call.Scale) * TLanes.Load(call.Scales + i);
        TLanes sum = TLanes.LoadCorrected(sums + i, call.ColumnSums + i, call.ZeroPoint);
        TLanes y = (sum * scale) + TLanes.Load(call.Bias + i);
        return call.Rectify ? TLanes.Max(TLanes.Create(0f), y) : y;
    }

    // Max takes its second operand if the first is NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Level<TLanes>(in FinishSumsCall call, TLanes y)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes q = TLanes.Round(y * TLanes.Create(call.InverseScale)) + TLanes.Create((float)call.LevelOfZero);
        return TLanes.Min(TLanes.Max(q, TLanes.Create(0f)), TLanes.Create((float)call.MaxLevel));
    }
}
