using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Grids;

/// <summary>The backward pass of <see cref="AveragePool"/>: each token has a share of the bins that cover it.</summary>
/// <remarks>
/// A register of channels sums <c>ȳ / tokens of the bin</c> over these bins, which lie together. Work is split over the
/// rows of the input's grid.
/// </remarks>
internal abstract unsafe class AveragePoolGradient : ILanesOperation<RangeKernel<AveragePoolGradientCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<AveragePoolGradientCall>> Table { get; } =
        KernelTable<RangeKernel<AveragePoolGradientCall>>.ForLanes<AveragePoolGradient>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<AveragePoolGradientCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-gridpool-gradient", instructionSet, &Run<TLanes>);

    /// <summary>
    /// Computes the rows of x̄'s grid from <paramref name="start"/> to before <paramref name="end"/>.
    /// </summary>
    public static void Run(in AveragePoolGradientCall call, int start, int end) => Table.Best.Run(in call, start, end);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in AveragePoolGradientCall call, int start, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int row = start; row < end; row++)
        {
            (int top, int bottom) = BinsAt(row, call.Height, call.Bins);
            float* token = call.Source + ((nint)row * call.Width * call.SourceStride);
            for (int column = 0; column < call.Width; column++, token += call.SourceStride)
            {
                (int left, int right) = BinsAt(column, call.Width, call.Bins);
                int channel = 0;
                for (; channel + TLanes.Count <= call.Channels; channel += TLanes.Count)
                    Gather<TLanes>(in call, token, channel, top, bottom, left, right);
                for (; channel < call.Channels; channel++)
                    Gather<Lane1>(in call, token, channel, top, bottom, left, right);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Gather<TLanes>(
        in AveragePoolGradientCall call, float* token, int channel, int top, int bottom, int left, int right)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes sum = call.Accumulate ? TLanes.Load(token + channel) : TLanes.Create(0f);
        for (int row = top; row < bottom; row++)
        {
            (int rowStart, int rowEnd) = AveragePool.Range(row, call.Height, call.Bins);
            for (int column = left; column < right; column++)
            {
                (int columnStart, int columnEnd) = AveragePool.Range(column, call.Width, call.Bins);
                float share = 1f / ((rowEnd - rowStart) * (columnEnd - columnStart));
                float* y = call.Output + ((((nint)row * call.Bins) + column) * call.OutputStride) + channel;
                sum = TLanes.MultiplyAdd(TLanes.Create(share), TLanes.Load(y), sum);
            }
        }
        TLanes.Store(sum, token + channel);
    }

    /// <summary>The bins that cover a row or column of the input: the first, and the one after the last.</summary>
    private static (int Start, int End) BinsAt(int place, int size, int bins)
    {
        int start = 0;
        while (AveragePool.Range(start, size, bins).End <= place)
            start++;
        int end = start + 1;
        while (end < bins && AveragePool.Range(end, size, bins).Start <= place)
            end++;
        return (start, end);
    }
}
