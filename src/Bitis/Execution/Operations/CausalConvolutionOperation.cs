using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Runtime;
using Bitis.Runtime.Steps;
using Bitis.Tensors;

namespace Bitis.Execution.Operations;

/// <summary>A causal convolution along the tokens, and the SiLU after it if there is one.</summary>
internal sealed class CausalConvolutionOperation(FusedConvolution fused) : WeightedOperation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        Node node = fused.Convolution;
        (ArenaMatrix x, Tensor weight, Tensor? scales) = ChannelwiseOperands(plan, node);
        ArenaMatrix y = plan.Allocate(fused.Output);
        plan.Add(new CausalConvStep(fused.Output.Name, sumsOnly: fused.Silu is null, x, y, weight, plan.Parameter(node, 1), scales), [x], [y]);
        plan.SetValue(fused.Output, y);
    }
}
