using Bitis.Execution.Compiled.Arithmetic;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Values;
using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Operations.Arithmetic;

/// <summary>The sum of several sequences with a gate for every channel; sequences may have index maps.</summary>
internal sealed class GatedSumOperation(Node node) : Operation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix gates = plan.Value(node.Inputs[0]), y = plan.Allocate(node);
        ArenaMatrix[] x = [.. node.Inputs.Skip(1).Select(plan.Value)];
        plan.Add(new CompiledGatedSum(node.Name, gates, x, y), [gates, .. x], [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new GatedSumGradient(node);
}
