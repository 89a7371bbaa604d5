using Bitis.Execution.Compiled;
using Bitis.Execution.Gradients;
using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Operations;

/// <summary>Runs any operator through its reference forward pass, so that every graph runs.</summary>
/// <param name="node">The node.</param>
/// <param name="gradient">Creates the form that training runs; null if there is none.</param>
internal class ReferenceOperation(Node node, Func<OperationGradient>? gradient = null) : Operation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        if (plan.LayerOf(node) is not null || plan.ScanOf(node) is not null)
        {
            throw new NotSupportedException(
                $"'{node.Name}' ({node.Operator.Kind}) is quantized, but no operation computes its quantized form.");
        }

        ArenaMatrix[] inputs = [.. node.Inputs.Select(plan.Value)];
        FloatTensor[] parameters =
        [
            .. Enumerable.Range(0, node.ParameterNames.Count).Select(index => plan.Parameter(node, index)),
        ];
        ArenaMatrix y = plan.Allocate(node);
        plan.Add(new CompiledReference(node, inputs, y, parameters), inputs, [y]);
        plan.SetValue(node, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) =>
        (gradient ?? throw new BitisException(
            $"Training does not support the operator {node.Operator.Kind} at '{node.Name}'."))();
}
