using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Operators;
using Bitis.Runtime;
using Bitis.Runtime.Kernels;
using Bitis.Runtime.Steps;

namespace Bitis.Execution.Operations;

/// <summary>A selective scan, in float32 or in integers; from the end, and added to what is there, where the fusion says so.</summary>
internal sealed class ScanOperation(FusedScan fused) : Operation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        Node node = fused.Scan;
        bool accumulates = fused.Other is { } other && plan.CanOverwrite(other);
        ArenaMatrix u = plan.Value(node.Inputs[0]);
        ArenaMatrix y = (accumulates ? plan.Value(fused.Other!) : plan.Allocate(fused.Outputs[0])) with { IsReversed = u.IsReversed };
        var operands = new ScanOperands(u, plan.Value(fused.Delta), plan.Value(node.Inputs[2]), plan.Value(node.Inputs[3]), y);
        plan.Add(CreateStep(plan, operands, accumulates), [u, operands.Delta, operands.B, operands.C], [y]);
        if (fused.Sum is null)
        {
            plan.SetValue(node, y);
            return;
        }
        ArenaMatrix sum = y with { IsReversed = !u.IsReversed };
        if (!accumulates)
        {
            ArenaMatrix term = plan.Value(fused.Other!);
            plan.Add(new AddStep(fused.Sum.Name, sum, term, sum), [sum, term], [sum]);
        }
        plan.SetValue(fused.Sum, sum);
    }

    private Step CreateStep(PlanBuilder plan, ScanOperands operands, bool accumulates)
    {
        Node node = fused.Scan;
        bool hasSoftplus = fused.Softplus is not null;
        if (plan.ScanOf(node) is not { } scan)
            return new ScanStep(node.Name, operands, accumulates, hasSoftplus, plan.HasCubicDecay, plan.Parameter(node, 0), plan.Parameter(node, 1));
        if (!hasSoftplus)
            throw new NotSupportedException($"The scan '{node.Name}' is quantized, and has no softplus of its own before Δ.");
        return new IntegerScanStep(node.Name, operands, accumulates, new PackedScan(scan, plan.Parameter(node, 1), operands.U.Rows));
    }
}
