using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using Bitis.Runtime.Steps;

namespace Bitis.Execution.Operations;

/// <summary>Group normalization over all tokens.</summary>
internal sealed class GroupNormOperation(Node node) : Operation
{
    private readonly GroupNorm _norm = (GroupNorm)node.Operator;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]), y = plan.PlaceOver(node.Inputs[0], node), statistics = plan.NewMatrix(2, _norm.Channels);
        plan.Add(new GroupNormStep(node.Name, _norm, x, y, statistics, plan.Parameter(node, 0), plan.Parameter(node, 1)), [x], [y, statistics]);
        plan.SetValue(node, y);
    }
}
