using Bitis.Execution.Operations.Convolutions;
using Bitis.Execution.Planning;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Memory;
using Bitis.Tensors;

namespace Bitis.Execution.Compiled.Convolutions;

/// <summary>The causal convolution, and the SiLU after it if there is one.</summary>
internal sealed class CompiledCausalConvolution : CompiledOperation
{
    private const int ChannelsPerUnit = 16;

    private readonly bool _sumsOnly;
    private readonly ArenaMatrix _x;
    private readonly ArenaMatrix _y;
    private readonly int _taps;
    private readonly NativeBuffer<float> _weights;
    private readonly NativeBuffer<int>? _rows;
    private readonly FloatTensor _bias;
    private readonly FloatTensor? _scales;

    /// <summary>Packs the weights.</summary>
    /// <param name="name">The node.</param>
    /// <param name="sumsOnly">Whether there is no SiLU.</param>
    /// <param name="x">
    /// The input, <c>[tokens, channels]</c>; reversed for the backward direction; may have an index map.
    /// </param>
    /// <param name="y">The output, in the same order.</param>
    /// <param name="weight"><c>[channels, 1, taps]</c></param>
    /// <param name="bias"><c>[channels]</c></param>
    /// <param name="scales">
    /// Where x and the weights are levels, what their sums are multiplied by, <c>[channels]</c>; else null.
    /// </param>
    public CompiledCausalConvolution(
        string name, bool sumsOnly, ArenaMatrix x, ArenaMatrix y, FloatTensor weight, FloatTensor bias,
        FloatTensor? scales)
        : this(
            name, sumsOnly, x, y, weight, bias, scales, new NativeBuffer<float>(weight.Length),
            x.RowMap is null ? null : NativeBuffer<int>.Of(x.RowMap))
    {
    }

    private CompiledCausalConvolution(
        string name, bool sumsOnly, ArenaMatrix x, ArenaMatrix y, FloatTensor weight, FloatTensor bias,
        FloatTensor? scales, NativeBuffer<float> packed, NativeBuffer<int>? rows)
        : base(name, rows is null ? [packed] : [packed, rows])
    {
        _sumsOnly = sumsOnly;
        _x = x;
        _y = y;
        _taps = weight.Shape[^1];
        _bias = bias;
        _scales = scales;
        _weights = packed;
        _rows = rows;
        CausalConv.PackWeights(weight.Span, _weights.Span, x.Columns, _taps);
    }

    public override string Kind => _sumsOnly ? "causal conv" : "causal conv + silu";

    public override int Units => (_x.Columns + ChannelsPerUnit - 1) / ChannelsPerUnit;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        CausalConvCall call = CausalConvolutionOperation.Call(arena, _x, _y, _taps, _sumsOnly, _weights.Pointer, _bias);
        call.Rows = _rows is null ? null : _rows.Pointer;
        call.Scales = _scales is null ? null : _scales.Pointer;
        CausalConv.Run(in call, start * ChannelsPerUnit, Math.Min(end * ChannelsPerUnit, _x.Columns));
        GC.KeepAlive(_bias);
        GC.KeepAlive(_scales);
    }
}
