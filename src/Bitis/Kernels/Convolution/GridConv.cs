using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Convolution;

/// <summary>A convolution over a grid of tokens, with bias and rectifier.</summary>
/// <remarks>
/// <code>
/// y_(i,j) = bias + Σ_(m,n) W[m,n]·x_(i·S−P+m, j·S−P+n)
/// </code>
/// Nothing is unfolded: the tiles read tokens where they lie, and zeros around the grid. The input may be several
/// values side by side, which are not put together either.
/// <para>
/// Each output is one chain of multiply-adds in the order of the filter's places, then of the channels. So results
/// depend neither on the split of the places nor on the tile. They equal those of unfolded patches times a matrix.
/// </para>
/// </remarks>
internal abstract unsafe class GridConv : ILanesOperation<GridConvKernel>
{
    // A panel of weights for so many channels stays in the nearest cache, and so many places in the next one. 384 is a
    // multiple of the places of all tiles.
    private const int MaxChannels = 256, MaxPlaces = 384;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<GridConvKernel> Table { get; } = KernelTable<GridConvKernel>.ForLanes<GridConv>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static GridConvKernel Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> =>
        new(GridConvTile<TLanes>.Places, GridConvTile<TLanes>.Outputs, instructionSet, &Run<TLanes>);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in GridConvCall call, int start, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        float* sums = stackalloc float[MaxPlaces * GridConvTile<TLanes>.Outputs];
        float** places = stackalloc float*[MaxPlaces];
        for (int first = start; first < end; first += MaxPlaces)
        {
            int count = Math.Min(MaxPlaces, end - first);
            for (int panel = 0; panel < call.Weights.PanelCount; panel++)
            {
                new Span<float>(sums, MaxPlaces * GridConvTile<TLanes>.Outputs).Clear();
                Sum<TLanes>(in call, first, count, panel, places, sums);
                Finish<TLanes>(in call, first, count, panel, sums);
            }
        }
        GC.KeepAlive(call.Weights);
    }

    /// <summary>The sums of some places and the outputs of a panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum<TLanes>(
        in GridConvCall call, int first, int count, int panel, float** places, float* sums)
        where TLanes : struct, ILanes<TLanes>
    {
        int outputs = GridConvTile<TLanes>.Outputs, tile = GridConvTile<TLanes>.Places;
        float* weights = call.Weights.Panels + ((nint)panel * outputs * call.Weights.Inputs);
        int rounded = (count + tile - 1) / tile * tile;
        for (int tap = 0; tap < call.KernelSize * call.KernelSize; tap++)
        {
            for (int part = 0; part < call.PartCount; part++)
            {
                GridConvPart input = call.Parts[part];
                for (int channel = 0; channel < input.Channels; channel += MaxChannels)
                {
                    int channels = Math.Min(MaxChannels, input.Channels - channel);
                    Locate(in call, in input, tap, channel, first, count, rounded, places);
                    for (int place = 0; place < rounded; place += tile)
                        GridConvTile<TLanes>.Add(places + place, weights, channels, sums + ((nint)place * outputs));
                    weights += (nint)channels * outputs;
                }
            }
        }
    }

    /// <summary>The addresses of what a place of the filter sees. Places beyond the last one repeat it.</summary>
    private static void Locate(
        in GridConvCall call, in GridConvPart part, int tap, int channel, int first, int count, int rounded,
        float** places)
    {
        (int down, int right) = Math.DivRem(tap, call.KernelSize);
        (int line, int place) = Math.DivRem(first, call.OutWidth);
        int row = (line * call.Stride) - call.Padding + down, left = right - call.Padding;
        for (int i = 0; i < count; i++)
        {
            int column = (place * call.Stride) + left;
            places[i] = (uint)row < (uint)call.Height && (uint)column < (uint)call.Width
                ? part.Source + ((((nint)row * call.Width) + column) * part.Stride) + channel
                : call.Zeros;
            if (++place == call.OutWidth)
                (place, row) = (0, row + call.Stride);
        }
        for (int i = count; i < rounded; i++)
            places[i] = places[count - 1];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Finish<TLanes>(in GridConvCall call, int first, int count, int panel, float* sums)
        where TLanes : struct, ILanes<TLanes>
    {
        int start = panel * GridConvTile<TLanes>.Outputs;
        int outputs = Math.Min(GridConvTile<TLanes>.Outputs, call.Weights.Outputs - start);
        float* bias = call.Weights.Bias + start;
        for (int place = 0; place < count; place++, sums += GridConvTile<TLanes>.Outputs)
        {
            float* target = call.Target + ((first + place) * call.TargetStride) + start;
            int i = 0;
            for (; i + TLanes.Count <= outputs; i += TLanes.Count)
            {
                TLanes value = TLanes.Load(sums + i) + TLanes.Load(bias + i);
                TLanes.Store(call.Rectify ? TLanes.Max(TLanes.Create(0f), value) : value, target + i);
            }
            for (; i < outputs; i++)
            {
                Lane1 value = Lane1.Load(sums + i) + Lane1.Load(bias + i);
                Lane1.Store(call.Rectify ? Lane1.Max(Lane1.Create(0f), value) : value, target + i);
            }
        }
    }
}
