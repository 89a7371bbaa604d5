using Bitis.Execution.Compiled.Arithmetic;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Values;
using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Operations.Arithmetic;

/// <summary>The sum of two values; the second one may have an index map.</summary>
internal sealed class SumOperation(Node node) : Operation
{
    /// <inheritdoc />
    public override GradientPassing Passing => GradientPassing.Unchanged;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix left = plan.Value(node.Inputs[0]), right = plan.Value(node.Inputs[1]), y = plan.Allocate(node);
        plan.Add(new CompiledSum(node.Name, left, right, y), [left, right], [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new AddGradient(node);
}
