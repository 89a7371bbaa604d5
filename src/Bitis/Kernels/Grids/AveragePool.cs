using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Grids;

/// <summary>Adaptive average pooling of a grid of tokens: the mean of the tokens that each bin covers.</summary>
/// <remarks>
/// A register of channels is summed over the tokens of a bin, row by row, and divided by their number. Work is split
/// over the bins.
/// </remarks>
internal abstract unsafe class AveragePool : ILanesOperation<RangeKernel<AveragePoolCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<AveragePoolCall>> Table { get; } =
        KernelTable<RangeKernel<AveragePoolCall>>.ForLanes<AveragePool>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<AveragePoolCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-gridpool", instructionSet, &Run<TLanes>);

    /// <summary>
    /// Computes the bins from <paramref name="start"/> to before <paramref name="end"/>.
    /// </summary>
    public static void Run(in AveragePoolCall call, int start, int end) => Table.Best.Run(in call, start, end);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in AveragePoolCall call, int start, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int bin = start; bin < end; bin++)
        {
            (int row, int column) = Math.DivRem(bin, call.Bins);
            (int top, int bottom) = Range(row, call.Height, call.Bins);
            (int left, int right) = Range(column, call.Width, call.Bins);
            int channel = 0;
            for (; channel + TLanes.Count <= call.Channels; channel += TLanes.Count)
                Mean<TLanes>(in call, bin, channel, top, bottom, left, right);
            for (; channel < call.Channels; channel++)
                Mean<Lane1>(in call, bin, channel, top, bottom, left, right);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mean<TLanes>(
        in AveragePoolCall call, int bin, int channel, int top, int bottom, int left, int right)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes sum = TLanes.Create(0f);
        for (int row = top; row < bottom; row++)
        {
            float* token = call.Source + ((((nint)row * call.Width) + left) * call.SourceStride) + channel;
            for (int column = left; column < right; column++, token += call.SourceStride)
                sum += TLanes.Load(token);
        }
        TLanes.Store(
            sum / TLanes.Create((bottom - top) * (right - left)), call.Target + (bin * call.TargetStride) + channel);
    }

    /// <summary>The rows or columns that a bin covers: the first, and the one after the last.</summary>
    internal static (int Start, int End) Range(int bin, int size, int bins) =>
        ((int)((long)bin * size / bins), (int)(((bin + 1L) * size + bins - 1) / bins));
}
