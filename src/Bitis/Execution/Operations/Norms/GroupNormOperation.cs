using Bitis.Execution.Compiled.Norms;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Normalization;

namespace Bitis.Execution.Operations.Norms;

/// <summary>Group normalization over all tokens.</summary>
internal sealed class GroupNormOperation(Node node) : Operation
{
    private readonly GroupNorm _norm = (GroupNorm)node.Operator;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]), y = plan.PlaceOver(node.Inputs[0], node),
            statistics = plan.NewMatrix(2, _norm.Channels);
        plan.Add(
            new CompiledGroupNorm(node.Name, _norm, x, y, statistics, plan.Parameter(node, 0), plan.Parameter(node, 1)),
            [x], [y, statistics]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new GroupNormGradient(node);

    /// <summary>The operands of the kernel for one image.</summary>
    public static unsafe GroupNormalizationCall Call(
        ArenaAddresses arena, GroupNorm norm, ArenaMatrix x, ArenaMatrix y, ArenaMatrix statistics, FloatTensor weight,
        FloatTensor bias) => new()
        {
            Rows = x.Rows,
            Columns = x.Columns,
            Groups = norm.Groups,
            Source = x.Pointer(arena),
            SourceStride = x.Stride,
            Target = y.Pointer(arena),
            TargetStride = y.Stride,
            Weight = weight.Pointer,
            Bias = bias.Pointer,
            Epsilon = norm.Epsilon,
            Statistics = statistics.Pointer(arena),
        };
}
