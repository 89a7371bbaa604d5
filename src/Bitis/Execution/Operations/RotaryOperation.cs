using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using Bitis.Runtime.Steps;
using Bitis.Training.Gradients;

namespace Bitis.Execution.Operations;

/// <summary>Rotary positions.</summary>
internal sealed class RotaryOperation(Node node) : Operation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]), y = plan.PlaceOver(node.Inputs[0], node);
        plan.Add(new RotaryStep(node.Name, (RotaryPositions)node.Operator, x, y), [x], [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override GradientStep CreateGradient(GradientContext context) => new RotaryGradient(node);
}
