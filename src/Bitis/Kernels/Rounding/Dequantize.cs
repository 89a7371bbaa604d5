using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Rounding;

/// <summary>
/// The values of quantized activations: <c>x = scale·(q − zeroPoint)</c> for unsigned bytes q. All forms give the same
/// bits.
/// </summary>
internal abstract unsafe class Dequantize : ILanesOperation<RangeKernel<DequantizeCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<DequantizeCall>> Table { get; } =
        KernelTable<RangeKernel<DequantizeCall>>.ForLanes<Dequantize>();

    /// <summary>Dequantizes the tokens from <paramref name="rowStart"/> to before <paramref name="rowEnd"/>.</summary>
    public static void Run(in DequantizeCall call, int rowStart, int rowEnd) =>
        Table.Best.Run(in call, rowStart, rowEnd);

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<DequantizeCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("u8f32-dequantize", instructionSet, &Run<TLanes>);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in DequantizeCall call, int rowStart, int rowEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int row = rowStart; row < rowEnd; row++)
        {
            byte* source = call.Source + (row * call.SourceStride);
            float* target = call.Target + (row * call.TargetStride);
            float scale = call.Scales[row], zero = call.ZeroPoints[row];
            int i = 0;
            for (; i + TLanes.Count <= call.Columns; i += TLanes.Count)
                Store<TLanes>(source + i, scale, zero, target + i);
            for (; i < call.Columns; i++)
                Store<Lane1>(source + i, scale, zero, target + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TLanes>(byte* source, float scale, float zero, float* target)
        where TLanes : struct, ILanes<TLanes> =>
        TLanes.Store((TLanes.LoadBytes(source) - TLanes.Create(zero)) * TLanes.Create(scale), target);
}
