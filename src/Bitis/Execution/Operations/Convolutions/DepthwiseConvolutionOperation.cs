using Bitis.Execution.Compiled.Convolutions;
using Bitis.Execution.Compiled.Tokens;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Memory;

namespace Bitis.Execution.Operations.Convolutions;

/// <summary>A depthwise convolution over a grid, with the SiLU after it if there is one.</summary>
/// <remarks>It also writes copies of its output in the orders that scans need.</remarks>
internal sealed class DepthwiseConvolutionOperation(FusedConvolution fused) : WeightedOperation
{
    private readonly DepthwiseConv2d _layer = (DepthwiseConv2d)fused.Convolution.Operator;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        Node node = fused.Convolution;
        (ArenaMatrix x, FloatTensor weight, FloatTensor? scales) = ChannelwiseOperands(plan, node);
        ArenaMatrix y = plan.Allocate(fused.Output);
        ArrangedCopy[] copies =
            [.. fused.Copies.Select(
                copy => ArrangedCopy.Of((ArrangeTokens)copy.Operator, y.Rows, plan.Allocate(copy)))];
        var weights = new NativeBuffer<float>(weight.Length);
        CausalConv.PackWeights(weight.Span, weights.Span, _layer.Channels, _layer.KernelSize * _layer.KernelSize);
        FloatTensor? bias = _layer.HasBias ? plan.Parameter(node, 1) : null;
        var operation = new CompiledDepthwiseConvolution(
            fused.Output.Name, _layer, sumsOnly: fused.Silu is null, x, y, copies, weights, scales, bias);
        plan.Add(operation, [x], [y, .. copies.Select(copy => copy.Target)]);
        plan.SetValue(fused.Output, y);
        foreach ((Node copy, ArrangedCopy written) in fused.Copies.Zip(copies))
            plan.SetValue(copy, written.Target);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) =>
        new DepthwiseConvolutionGradient(fused);

    /// <summary>The operands of the kernel; weights packed, <c>[kernel², channels]</c>.</summary>
    public static unsafe DepthwiseConvCall Call(
        ArenaAddresses arena, DepthwiseConv2d layer, ArenaMatrix x, ArenaMatrix y, bool sumsOnly, float* weights,
        FloatTensor? bias) => new()
        {
            Height = layer.Height,
            Width = layer.Width,
            KernelSize = layer.KernelSize,
            SumsOnly = sumsOnly,
            Source = x.Pointer(arena),
            SourceStride = x.Stride,
            Weights = weights,
            WeightStride = layer.Channels,
            Bias = bias is null ? null : bias.Pointer,
            Target = y.Pointer(arena),
            TargetStride = y.Stride,
        };
}
