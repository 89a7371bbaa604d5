using Bitis.Execution.Compiled.Arithmetic;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Values;
using Bitis.Execution.Planning;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;

namespace Bitis.Execution.Operations.Arithmetic;

/// <summary>
/// The gate of a Mamba block, <c>(values · factor) · SiLU(z)</c>; in place if the values have no other reader.
/// </summary>
internal sealed class GateOperation(FusedGate fused) : Operation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        ArenaMatrix x = plan.Value(fused.Values), z = plan.Value(fused.Gate),
            y = plan.PlaceOver(fused.Values, fused.Product);
        plan.Add(
            new CompiledGate(fused.Product.Name, x, z, y, fused.Scale is { Operator: Scale scale } ? scale.Factor : 1),
            [x, z], [y]);
        plan.SetValue(fused.Product, y);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new GateGradient(fused);
}
