using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Rounding;

/// <summary>Rounds activations to levels less their zero point, as float32, for depthwise convolutions.</summary>
/// <remarks>
/// With a zero point z for each column:
/// <code>
/// q − z = clamp(round(x·inverseScale), qmin − z, qmax − z)
/// </code>
/// An 8-bit dot product would need the four or nine values of a channel side by side. Whole numbers in float32 are as
/// exact, and they lie where they are needed. All forms give the same bits.
/// </remarks>
internal abstract unsafe class CenterLevels : ILanesOperation<RangeKernel<CenterLevelsCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<CenterLevelsCall>> Table { get; } =
        KernelTable<RangeKernel<CenterLevelsCall>>.ForLanes<CenterLevels>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<CenterLevelsCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-centerlevels", instructionSet, &Run<TLanes>);

    /// <summary>Rounds the tokens from <paramref name="rowStart"/> to before <paramref name="rowEnd"/>.</summary>
    public static void Run(in CenterLevelsCall call, int rowStart, int rowEnd) =>
        Table.Best.Run(in call, rowStart, rowEnd);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in CenterLevelsCall call, int rowStart, int rowEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int row = rowStart; row < rowEnd; row++)
        {
            float* source = call.Source + (row * call.SourceStride), target = call.Target + (row * call.TargetStride);
            int i = 0;
            for (; i + TLanes.Count <= call.Columns; i += TLanes.Count)
                Round<TLanes>(in call, source, target, i);
            for (; i < call.Columns; i++)
                Round<Lane1>(in call, source, target, i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round<TLanes>(in CenterLevelsCall call, float* source, float* target, int column)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes level = TLanes.Round(TLanes.Load(source + column) * TLanes.Load(call.InverseScales + column));
        level = TLanes.Min(TLanes.Max(level, TLanes.Load(call.Lowest + column)), TLanes.Load(call.Highest + column));
        TLanes.Store(level, target + column);
    }
}
