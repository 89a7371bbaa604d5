using Bitis.Operators;
using Bitis.Runtime.Kernels;
using Bitis.Tensors;

namespace Bitis.Runtime.Steps;

/// <summary>The depthwise convolution over a grid, the SiLU after it, and, for the scans of that order, the tokens column by column.</summary>
/// <param name="name">The node.</param>
/// <param name="layer">The convolution.</param>
/// <param name="sumsOnly">Whether there is no SiLU.</param>
/// <param name="x">The input, <c>[height·width, channels]</c>.</param>
/// <param name="y">The output.</param>
/// <param name="transposed">The output in column-major order of the tokens; or null.</param>
/// <param name="weights"><c>[kernel², channels]</c>; the step disposes of them.</param>
/// <param name="bias"><c>[channels]</c>; or null.</param>
internal sealed class DepthwiseConvStep(
    string name,
    DepthwiseConv2d layer,
    bool sumsOnly,
    ArenaMatrix x,
    ArenaMatrix y,
    ArenaMatrix? transposed,
    NativeBuffer<float> weights,
    Tensor? bias) : Step(name, weights)
{
    private const int ChannelsPerUnit = 16;

    public override string Kind => sumsOnly ? "depthwise conv" : "depthwise conv + silu";

    public override int Units => (x.Columns + ChannelsPerUnit - 1) / ChannelsPerUnit;

    public override unsafe void Run(nint arena, int start, int end)
    {
        var call = new DepthwiseConvCall
        {
            Height = layer.Height,
            Width = layer.Width,
            Kernel = layer.Kernel,
            SumsOnly = sumsOnly,
            Source = x.Pointer(arena),
            SourceStride = x.Stride,
            Weights = weights.Pointer,
            WeightStride = layer.Channels,
            Bias = bias is null ? null : bias.Pointer,
            Target = y.Pointer(arena),
            TargetStride = y.Stride,
            Transposed = transposed is { } columns ? columns.Pointer(arena) : null,
            TransposedStride = transposed?.Stride ?? 0,
        };
        DepthwiseConv.Run(in call, start * ChannelsPerUnit, Math.Min(end * ChannelsPerUnit, x.Columns));
        GC.KeepAlive(bias);
    }
}
