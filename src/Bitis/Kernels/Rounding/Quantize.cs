using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Rounding;

/// <summary>
/// Quantizes activations to unsigned bytes: <c>q = clamp(round(x·factor·inverseScale) + zeroPoint, 0, maxValue)</c>.
/// </summary>
/// <remarks>
/// It computes from left to right in float32 and rounds half to even. It clamps before the conversion, so that no value
/// overflows. NaN becomes 0. All forms give the same bits.
/// </remarks>
internal abstract unsafe class Quantize : ILanesOperation<RangeKernel<QuantizeCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<QuantizeCall>> Table { get; } =
        KernelTable<RangeKernel<QuantizeCall>>.ForLanes<Quantize>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<QuantizeCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32u8-quantize", instructionSet, &Run<TLanes>);

    /// <summary>Quantizes the tokens from <paramref name="rowStart"/> to before <paramref name="rowEnd"/>.</summary>
    public static void Run(in QuantizeCall call, int rowStart, int rowEnd) => Table.Best.Run(in call, rowStart, rowEnd);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in QuantizeCall call, int rowStart, int rowEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        float maxValue = call.MaxValue;
        for (int row = rowStart; row < rowEnd; row++)
        {
            float* source = call.Source + (row * call.SourceStride);
            byte* target = call.Target + (row * call.TargetStride);
            float inverseScale = call.InverseScales[(nint)row * call.ParameterStride];
            float zero = call.ZeroPoints[(nint)row * call.ParameterStride];
            if (call.ColumnFactors == null)
                RunRow<TLanes>(source, target, call.Columns, inverseScale, zero, maxValue);
            else
                RunRow<TLanes>(source, call.ColumnFactors, target, call.Columns, inverseScale, zero, maxValue);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RunRow<TLanes>(
        float* source, byte* target, int columns, float inverseScale, float zero, float maxValue)
        where TLanes : struct, ILanes<TLanes>
    {
        int i = 0;
        for (; i + TLanes.Count <= columns; i += TLanes.Count)
            TLanes.StoreBytes(ToLevel(TLanes.Load(source + i), inverseScale, zero, maxValue), target + i);
        for (; i < columns; i++)
            Lane1.StoreBytes(ToLevel(Lane1.Load(source + i), inverseScale, zero, maxValue), target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RunRow<TLanes>(
        float* source, float* factors, byte* target, int columns, float inverseScale, float zero, float maxValue)
        where TLanes : struct, ILanes<TLanes>
    {
        int i = 0;
        for (; i + TLanes.Count <= columns; i += TLanes.Count)
        {
            TLanes.StoreBytes(
                ToLevel(TLanes.Load(source + i) * TLanes.Load(factors + i), inverseScale, zero, maxValue), target + i);
        }
        for (; i < columns; i++)
        {
            Lane1.StoreBytes(
                ToLevel(Lane1.Load(source + i) * Lane1.Load(factors + i), inverseScale, zero, maxValue), target + i);
        }
    }

    // Max takes its second operand if the first is NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes ToLevel<TLanes>(TLanes x, float inverseScale, float zero, float maxValue)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes q = TLanes.Round(x * TLanes.Create(inverseScale)) + TLanes.Create(zero);
        return TLanes.Min(TLanes.Max(q, TLanes.Create(0f)), TLanes.Create(maxValue));
    }
}
