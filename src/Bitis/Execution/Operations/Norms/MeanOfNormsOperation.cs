using Bitis.Execution.Compiled.Norms;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Normalization;

namespace Bitis.Execution.Operations.Norms;

/// <summary>The mean of each sequence's normalized tokens; sequences may have index maps.</summary>
internal sealed class MeanOfNormsOperation(Node node) : Operation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix[] x = [.. node.Inputs.Select(plan.Value)];
        ArenaMatrix y = plan.Allocate(node);
        float epsilon = ((MeanOfNorms)node.Operator).Epsilon;
        plan.Add(
            new CompiledMeanOfNorms(node.Name, x, y, plan.Parameter(node, 0), plan.Parameter(node, 1), epsilon), x,
            [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new MeanOfNormsGradient(node);

    /// <summary>The operands of the kernel for one sequence.</summary>
    public static unsafe MeanOfRowNormsCall Call(
        ArenaAddresses arena, ArenaMatrix x, int* rowMap, FloatTensor weight, FloatTensor bias, float epsilon,
        float* mean) =>
        new()
        {
            Rows = x.Rows,
            Columns = x.Columns,
            Source = x.Pointer(arena),
            SourceStride = x.Stride,
            RowMap = rowMap,
            Weight = weight.Pointer,
            Bias = bias.Pointer,
            Epsilon = epsilon,
            Mean = mean,
        };
}
