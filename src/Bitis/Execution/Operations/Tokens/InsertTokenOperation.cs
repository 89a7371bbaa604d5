using Bitis.Execution.Compiled.Tokens;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Values;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Execution.Operations.Tokens;

/// <summary>Inserts a learned token into the sequence.</summary>
internal sealed class InsertTokenOperation(Node node) : Operation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(node.Inputs[0]), y = plan.Allocate(node);
        plan.Add(
            new CompiledInsertToken(node.Name, x, y, plan.Parameter(node, 0), ((InsertToken)node.Operator).Position),
            [x], [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new InsertTokenGradient(node);
}
