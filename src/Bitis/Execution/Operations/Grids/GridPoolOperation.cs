using Bitis.Execution.Compiled.Grids;
using Bitis.Execution.Gradients.Grids;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators.Grids;

namespace Bitis.Execution.Operations.Grids;

/// <summary>The average of a grid of tokens over bins.</summary>
internal sealed class GridPoolOperation(Node node) : ReferenceOperation(node, () => new GridPoolGradient(node))
{
    private readonly Node _node = node;

    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(_node.Inputs[0]), y = plan.Allocate(_node);
        plan.Add(new CompiledGridPool(_node.Name, (GridPool)_node.Operator, x, y), [x], [y]);
        plan.SetValue(_node, y);
    }
}
