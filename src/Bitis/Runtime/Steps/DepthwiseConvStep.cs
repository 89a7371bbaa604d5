using Bitis.Operators;
using Bitis.Runtime.Kernels;
using Bitis.Tensors;

namespace Bitis.Runtime.Steps;

/// <summary>The depthwise convolution over a grid, the SiLU after it, and, for the scans of that order, the tokens column by column.</summary>
internal sealed class DepthwiseConvStep : Step
{
    private const int ChannelsPerUnit = 16;

    private readonly DepthwiseConv2d _layer;
    private readonly ArenaMatrix _x;
    private readonly ArenaMatrix _y;
    private readonly ArenaMatrix? _transposed;
    private readonly bool _sumsOnly;
    private readonly NativeBuffer<float> _weights;
    private readonly Tensor? _bias;

    /// <summary>Packs the weights.</summary>
    /// <param name="name">The node.</param>
    /// <param name="layer">The convolution.</param>
    /// <param name="sumsOnly">Whether there is no SiLU.</param>
    /// <param name="x">The input, <c>[height·width, channels]</c>.</param>
    /// <param name="y">The output.</param>
    /// <param name="transposed">The output in column-major order of the tokens; or null.</param>
    /// <param name="weight"><c>[channels, 1, kernel, kernel]</c></param>
    /// <param name="bias"><c>[channels]</c>; or null.</param>
    public DepthwiseConvStep(
        string name, DepthwiseConv2d layer, bool sumsOnly, ArenaMatrix x, ArenaMatrix y, ArenaMatrix? transposed, Tensor weight, Tensor? bias)
        : this(name, layer, sumsOnly, x, y, transposed, weight, bias, new NativeBuffer<float>(weight.Length))
    {
    }

    private DepthwiseConvStep(
        string name,
        DepthwiseConv2d layer,
        bool sumsOnly,
        ArenaMatrix x,
        ArenaMatrix y,
        ArenaMatrix? transposed,
        Tensor weight,
        Tensor? bias,
        NativeBuffer<float> packed)
        : base(name, packed)
    {
        _layer = layer;
        _sumsOnly = sumsOnly;
        _x = x;
        _y = y;
        _transposed = transposed;
        _bias = bias;
        _weights = packed;
        CausalConv.PackWeights(weight.Span, packed.Span, layer.Channels, layer.Kernel * layer.Kernel);
    }

    public override string Kind => _sumsOnly ? "depthwise conv" : "depthwise conv + silu";

    public override int Units => (_x.Columns + ChannelsPerUnit - 1) / ChannelsPerUnit;

    public override unsafe void Run(nint arena, int start, int end)
    {
        var call = new DepthwiseConvCall
        {
            Height = _layer.Height,
            Width = _layer.Width,
            Kernel = _layer.Kernel,
            SumsOnly = _sumsOnly,
            Source = _x.Pointer(arena),
            SourceStride = _x.Stride,
            Weights = _weights.Pointer,
            WeightStride = _layer.Channels,
            Bias = _bias is null ? null : _bias.Pointer,
            Target = _y.Pointer(arena),
            TargetStride = _y.Stride,
            Transposed = _transposed is { } columns ? columns.Pointer(arena) : null,
            TransposedStride = _transposed?.Stride ?? 0,
        };
        DepthwiseConv.Run(in call, start * ChannelsPerUnit, Math.Min(end * ChannelsPerUnit, _x.Columns));
        GC.KeepAlive(_bias);
    }
}
