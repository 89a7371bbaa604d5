using Bitis.Execution.Compiled;
using Bitis.Execution.Compiled.Arithmetic;
using Bitis.Execution.Compiled.Integer;
using Bitis.Execution.Gradients;
using Bitis.Execution.Gradients.Layers;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Scan;

namespace Bitis.Execution.Operations;

/// <summary>A selective scan, in float32 or in integers.</summary>
/// <remarks>
/// The fusion says whether it runs from the end, and whether it adds to what is in the output already.
/// </remarks>
internal sealed class ScanOperation(FusedScan fused) : Operation
{
    /// <inheritdoc />
    public override void Plan(PlanBuilder plan)
    {
        Node node = fused.Scan;
        bool accumulates = fused.Other is { } other && plan.CanOverwrite(other);
        ArenaMatrix u = plan.Value(node.Inputs[0]);
        ArenaMatrix target = accumulates ? plan.Value(fused.Other!) : plan.Allocate(fused.Outputs[0]);
        ArenaMatrix y = target with { IsReversed = u.IsReversed };
        var operands = new ScanOperands(
            u, plan.Value(fused.Delta), plan.Value(node.Inputs[2]), plan.Value(node.Inputs[3]), y);
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
            plan.Add(new CompiledSum(fused.Sum.Name, sum, term, sum), [sum, term], [sum]);
        }
        plan.SetValue(fused.Sum, sum);
    }

    /// <inheritdoc />
    public override OperationGradient CreateGradient(GradientContext context) => new ScanGradient(fused);

    /// <summary>The operands of the float32 kernel; A packed, <c>[states, channels]</c>.</summary>
    public static unsafe SelectiveScanCall Call(
        ArenaAddresses arena, ScanOperands operands, bool hasSoftplus, float* a, FloatTensor d)
    {
        (ArenaMatrix u, ArenaMatrix delta, ArenaMatrix b, ArenaMatrix c, ArenaMatrix y) = operands;
        return new SelectiveScanCall
        {
            Tokens = u.Rows,
            States = b.Columns,
            Reverse = u.IsReversed,
            U = u.Pointer(arena),
            UStride = u.Stride,
            Delta = delta.Pointer(arena),
            DeltaStride = delta.Stride,
            DeltaSoftplus = hasSoftplus,
            A = a,
            AStride = u.Columns,
            B = b.Pointer(arena),
            BStride = b.Stride,
            C = c.Pointer(arena),
            CStride = c.Stride,
            D = d.Pointer,
            Y = y.Pointer(arena),
            YStride = y.Stride,
            OutputScale = 1,
        };
    }

    /// <summary>The operands of the integer kernel.</summary>
    public static unsafe IntegerScanCall Call(PackedScan scan, ArenaAddresses arena, ScanOperands operands)
    {
        (ArenaMatrix u, ArenaMatrix delta, ArenaMatrix b, ArenaMatrix c, ArenaMatrix y) = operands;
        return new IntegerScanCall
        {
            Scan = scan,
            Tokens = u.Rows,
            Reverse = u.IsReversed,
            U = u.Pointer(arena),
            UStride = u.Stride,
            Delta = delta.Pointer(arena),
            DeltaStride = delta.Stride,
            B = b.Pointer(arena),
            BStride = b.Stride,
            C = c.Pointer(arena),
            CStride = c.Stride,
            Y = y.Pointer(arena),
            YStride = y.Stride,
        };
    }

    private CompiledOperation CreateStep(PlanBuilder plan, ScanOperands operands, bool accumulates)
    {
        Node node = fused.Scan;
        bool hasSoftplus = fused.Softplus is not null;
        if (plan.ScanOf(node) is not { } scan)
        {
            return new CompiledScan(
                node.Name, operands, accumulates, hasSoftplus, plan.Parameter(node, 0),
                plan.Parameter(node, 1));
        }

        if (!hasSoftplus)
        {
            throw new NotSupportedException(
                $"The quantized scan '{node.Name}' needs a Δ from a softplus that only this scan reads.");
        }

        return new CompiledIntegerScan(
            node.Name, operands, accumulates, new PackedScan(scan.TablesFor(plan.Parameter(node, 1), operands.U.Rows)));
    }
}
