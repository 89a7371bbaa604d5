using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Grids;

/// <summary>Bilinear interpolation of a grid of tokens to another size, possibly added to another value.</summary>
/// <remarks>
/// <code>
///   x00 ── far ── x01     upper = near·x00 + far·x01     registers: 4 shares, 4 tokens, 2 sums
///    │             │      lower = near·x10 + far·x11     memory: 4 loads and a store for each output
///   x10 ───────── x11     y = high·upper + low·lower
/// </code>
/// Work is split over the rows of the output's grid.
/// </remarks>
internal abstract unsafe class BilinearResize : ILanesOperation<RangeKernel<BilinearResizeCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<BilinearResizeCall>> Table { get; } =
        KernelTable<RangeKernel<BilinearResizeCall>>.ForLanes<BilinearResize>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<BilinearResizeCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-gridresize", instructionSet, &Run<TLanes>);

    /// <summary>
    /// Computes the rows of the output's grid from <paramref name="start"/> to before <paramref name="end"/>.
    /// </summary>
    public static void Run(in BilinearResizeCall call, int start, int end) => Table.Best.Run(in call, start, end);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in BilinearResizeCall call, int start, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int row = start; row < end; row++)
        {
            ResizeStep down = call.Rows[row];
            float* upper = call.Source + ((nint)down.First * call.Width * call.SourceStride);
            float* lower = call.Source + ((nint)down.Second * call.Width * call.SourceStride);
            for (int column = 0; column < call.OutWidth; column++)
            {
                ResizeStep right = call.Columns[column];
                nint place = ((nint)row * call.OutWidth) + column, near = right.First * call.SourceStride,
                    far = right.Second * call.SourceStride;
                float* added = call.Added is null ? null : call.Added + (place * call.AddedStride);
                float* target = call.Target + (place * call.TargetStride);
                int channel = 0;
                for (; channel + TLanes.Count <= call.Channels; channel += TLanes.Count)
                    Mix<TLanes>(upper, lower, near, far, channel, in down, in right, added, target);
                for (; channel < call.Channels; channel++)
                    Mix<Lane1>(upper, lower, near, far, channel, in down, in right, added, target);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mix<TLanes>(
        float* upper, float* lower, nint near, nint far, int channel, in ResizeStep down, in ResizeStep right,
        float* added, float* target)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes nearShare = TLanes.Create(right.FirstShare), farShare = TLanes.Create(right.SecondShare);
        TLanes above = TLanes.MultiplyAdd(
            farShare, TLanes.Load(upper + far + channel), nearShare * TLanes.Load(upper + near + channel));
        TLanes below = TLanes.MultiplyAdd(
            farShare, TLanes.Load(lower + far + channel), nearShare * TLanes.Load(lower + near + channel));
        TLanes y = TLanes.MultiplyAdd(TLanes.Create(down.SecondShare), below, TLanes.Create(down.FirstShare) * above);
        if (added is not null)
            y = TLanes.Load(added + channel) + y;
        TLanes.Store(y, target + channel);
    }
}
