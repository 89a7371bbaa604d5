using Bitis.Execution.Compiled.Convolutions;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Kernels.Convolution;

namespace Bitis.Execution.Operations.Convolutions;

/// <summary>A causal convolution along the tokens, and the SiLU after it if there is one.</summary>
internal sealed class CausalConvolutionOperation(FusedConvolution fused) : WeightedOperation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        Node node = fused.Convolution;
        (ArenaMatrix x, FloatTensor weight, FloatTensor? scales) = ChannelwiseOperands(plan, node);
        ArenaMatrix y = plan.Allocate(fused.Output);
        plan.Add(
            new CompiledCausalConvolution(
                fused.Output.Name, sumsOnly: fused.Silu is null, x, y, weight, plan.Parameter(node, 1), scales),
            [x], [y]);
        plan.SetValue(fused.Output, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new CausalConvolutionGradient(fused);

    /// <summary>The operands of the kernel; weights packed, <c>[taps, channels]</c>.</summary>
    public static unsafe CausalConvCall Call(
        ArenaAddresses arena, ArenaMatrix x, ArenaMatrix y, int taps, bool sumsOnly, float* weights,
        FloatTensor bias) =>
        new()
        {
            Tokens = x.Rows,
            Taps = taps,
            Reverse = x.IsReversed,
            SumsOnly = sumsOnly,
            Source = x.Pointer(arena),
            SourceStride = x.Stride,
            Weights = weights,
            WeightStride = x.Columns,
            Bias = bias.Pointer,
            Target = y.Pointer(arena),
            TargetStride = y.Stride,
        };
}
