using Bitis.Execution.Compiled.Tokens;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Values;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Execution.Operations.Tokens;

/// <summary>Rotary positions.</summary>
internal sealed class RotaryOperation(Node node) : Operation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]), y = plan.PlaceOver(node.Inputs[0], node);
        plan.Add(new CompiledRotary(node.Name, (RotaryPositions)node.Operator, x, y), [x], [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new RotaryGradient(node);
}
