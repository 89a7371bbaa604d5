using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Execution.Gradients.Values;

/// <summary>Rotary positions; the gradient is rotated in the opposite direction.</summary>
internal sealed unsafe class RotaryGradient(Node node) : OperationGradient
{
    private readonly RotaryPositions _positions = (RotaryPositions)node.Operator;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _x = planner.Value(node.Inputs[0]);
        _y = planner.NewValue(node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.NeedScratch(_x.Columns);
        _yGradient = planner.Gradient(node);
        _xGradient = planner.RequiredTarget(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_y); row++)
            _positions.Turn(microBatch.Row(_x, row), row % _y.Rows, microBatch.Row(_y, row), isBack: false);
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        var turned = new Span<float>(microBatch.Scratch, _y.Columns);
        for (int row = 0; row < microBatch.Rows(_y); row++)
        {
            Span<float> target = microBatch.Row(_xGradient.Matrix, row);
            _positions.Turn(
                microBatch.Row(_yGradient, row), row % _y.Rows, _xGradient.Accumulate ? turned : target, isBack: true);
            if (_xGradient.Accumulate)
                TensorPrimitives.Add(target, turned, target);
        }
    }
}
