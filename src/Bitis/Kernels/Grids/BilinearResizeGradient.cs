using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Grids;

/// <summary>The backward pass of <see cref="BilinearResize"/>: each ȳ goes to the four tokens it came from.</summary>
/// <remarks>
/// <code>
///   x̄00 += high·near·ȳ     x̄01 += high·far·ȳ     registers: 4 shares, ȳ and a sum
///   x̄10 +=  low·near·ȳ     x̄11 +=  low·far·ȳ     memory: 5 loads and 4 stores for each ȳ
/// </code>
/// Neighbouring rows of the output add to the same row of the input. So one thread computes an image.
/// </remarks>
internal abstract unsafe class BilinearResizeGradient : ILanesOperation<RangeKernel<BilinearResizeGradientCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<BilinearResizeGradientCall>> Table { get; } =
        KernelTable<RangeKernel<BilinearResizeGradientCall>>.ForLanes<BilinearResizeGradient>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<BilinearResizeGradientCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-gridresize-gradient", instructionSet, &Run<TLanes>);

    /// <summary>
    /// Adds the rows of ȳ's grid from <paramref name="start"/> to before <paramref name="end"/>.
    /// </summary>
    public static void Run(in BilinearResizeGradientCall call, int start, int end) =>
        Table.Best.Run(in call, start, end);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in BilinearResizeGradientCall call, int start, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int row = start; row < end; row++)
        {
            ResizeStep down = call.Rows[row];
            float* upper = call.Source + ((nint)down.First * call.Width * call.SourceStride);
            float* lower = call.Source + ((nint)down.Second * call.Width * call.SourceStride);
            float* y = call.Output + ((nint)row * call.OutWidth * call.OutputStride);
            for (int column = 0; column < call.OutWidth; column++, y += call.OutputStride)
            {
                ResizeStep right = call.Columns[column];
                nint near = right.First * call.SourceStride, far = right.Second * call.SourceStride;
                Add<TLanes>(upper + near, down.FirstShare * right.FirstShare, y, call.Channels);
                Add<TLanes>(upper + far, down.FirstShare * right.SecondShare, y, call.Channels);
                Add<TLanes>(lower + near, down.SecondShare * right.FirstShare, y, call.Channels);
                Add<TLanes>(lower + far, down.SecondShare * right.SecondShare, y, call.Channels);
            }
        }
    }

    /// <summary>Adds a share of ȳ to a token. At an edge, all four may be the same token.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TLanes>(float* token, float share, float* y, int channels)
        where TLanes : struct, ILanes<TLanes>
    {
        int channel = 0;
        for (; channel + TLanes.Count <= channels; channel += TLanes.Count)
        {
            TLanes sum = TLanes.MultiplyAdd(
                TLanes.Create(share), TLanes.Load(y + channel), TLanes.Load(token + channel));
            TLanes.Store(sum, token + channel);
        }
        for (; channel < channels; channel++)
        {
            Lane1 sum = Lane1.MultiplyAdd(Lane1.Create(share), Lane1.Load(y + channel), Lane1.Load(token + channel));
            Lane1.Store(sum, token + channel);
        }
    }
}
