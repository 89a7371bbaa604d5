using Bitis.Execution.Compiled.Grids;
using Bitis.Execution.Gradients.Grids;
using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Operations.Grids;

/// <summary>Values side by side.</summary>
internal sealed class ConcatOperation(Node node) : ReferenceOperation(node, () => new ConcatGradient(node))
{
    private readonly Node _node = node;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix[] parts = [.. _node.Inputs.Select(plan.Value)];
        ArenaMatrix y = plan.Allocate(_node);
        plan.Add(new CompiledConcat(_node.Name, parts, y), parts, [y]);
        plan.SetValue(_node, y);
    }
}
