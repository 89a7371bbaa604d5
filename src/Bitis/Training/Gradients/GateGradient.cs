using Bitis.Graphs;
using Bitis.Runtime;
using Bitis.Runtime.Kernels;

namespace Bitis.Training.Gradients;

/// <summary>The gate of a Mamba block, y = x·silu(z); see <see cref="Gate"/>.</summary>
/// <param name="product">The product.</param>
/// <param name="x">What is gated.</param>
/// <param name="z">The input of the SiLU.</param>
internal sealed unsafe class GateGradient(Node product, Node x, Node z) : GradientStep
{
    private ArenaMatrix _x, _z, _y, _yGradient;
    private GradientTarget _xGradient, _zGradient;

    /// <inheritdoc />
    public override string Kind => "gate";

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        (_x, _z) = (planner.Value(x), planner.Value(z));
        if (_x.IsReversed != _z.IsReversed)
            throw new NotSupportedException($"The inputs of '{product.Name}' lie in different orders.");
        _y = planner.NewValue(product, _x.IsReversed);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(x);
        planner.Value(z);
        _yGradient = planner.Gradient(product);
        _xGradient = planner.RequiredTarget(x);
        _zGradient = planner.RequiredTarget(z);
        if (_xGradient.Accumulate || _zGradient.Accumulate)
            throw new NotSupportedException($"An input of '{product.Name}' has other users.");
    }

    /// <inheritdoc />
    public override void Forward(GradientLane lane)
    {
        float* left = lane.Pointer(_x), right = lane.Pointer(_z), y = lane.Pointer(_y);
        GateKernel kernel = Gate.Table.Best;
        for (nint row = 0; row < lane.Rows(_y); row++)
            kernel.Forward(left + (row * _x.Stride), right + (row * _z.Stride), 1f, y + (row * _y.Stride), _y.Columns);
    }

    /// <inheritdoc />
    public override void Backward(GradientLane lane)
    {
        float* left = lane.Pointer(_x), right = lane.Pointer(_z), y = lane.Pointer(_yGradient);
        float* leftGradient = lane.Pointer(_xGradient.Matrix), rightGradient = lane.Pointer(_zGradient.Matrix);
        GateKernel kernel = Gate.Table.Best;
        for (nint row = 0; row < lane.Rows(_y); row++)
        {
            kernel.Backward(
                left + (row * _x.Stride),
                right + (row * _z.Stride),
                y + (row * _yGradient.Stride),
                leftGradient + (row * _xGradient.Matrix.Stride),
                rightGradient + (row * _zGradient.Matrix.Stride),
                _y.Columns);
        }
    }
}
