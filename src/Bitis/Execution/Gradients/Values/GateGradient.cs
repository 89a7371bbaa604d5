using Bitis.Execution.Planning;
using Bitis.Graphs.Fusion;
using Bitis.Kernels.Activations;

namespace Bitis.Execution.Gradients.Values;

/// <summary>The gate of a Mamba block, y = x·silu(z); see <see cref="Gate"/>.</summary>
internal sealed unsafe class GateGradient(FusedGate fused) : OperationGradient
{
    private ArenaMatrix _x, _z, _y, _yGradient, _xGradient, _zGradient;

    /// <inheritdoc />
    public override string Kind => "gate";

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        (_x, _z) = (planner.Value(fused.Values), planner.Value(fused.Gate));
        _y = planner.NewValue(fused.Product);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(fused.Values);
        planner.Value(fused.Gate);
        _yGradient = planner.Gradient(fused.Product);
        _xGradient = planner.OverwrittenTarget(fused.Values);
        _zGradient = planner.OverwrittenTarget(fused.Gate);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        float* left = microBatch.Pointer(_x), right = microBatch.Pointer(_z), y = microBatch.Pointer(_y);
        GateKernel kernel = Gate.Table.Best;
        for (nint row = 0; row < microBatch.Rows(_y); row++)
            kernel.Forward(left + (row * _x.Stride), right + (row * _z.Stride), 1f, y + (row * _y.Stride), _y.Columns);
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        float* left = microBatch.Pointer(_x), right = microBatch.Pointer(_z), y = microBatch.Pointer(_yGradient);
        float* leftGradient = microBatch.Pointer(_xGradient), rightGradient = microBatch.Pointer(_zGradient);
        GateKernel kernel = Gate.Table.Best;
        for (nint row = 0; row < microBatch.Rows(_y); row++)
        {
            kernel.Backward(
                left + (row * _x.Stride),
                right + (row * _z.Stride),
                y + (row * _yGradient.Stride),
                leftGradient + (row * _xGradient.Stride),
                rightGradient + (row * _zGradient.Stride),
                _y.Columns);
        }
    }
}
