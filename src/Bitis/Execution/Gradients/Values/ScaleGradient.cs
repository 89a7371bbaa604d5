using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;

namespace Bitis.Execution.Gradients.Values;

/// <summary>A product with a constant, in place in both passes if the input has no other user.</summary>
internal sealed unsafe class ScaleGradient(Node node) : OperationGradient
{
    private readonly float _factor = ((Scale)node.Operator).Factor;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _x = planner.Value(node.Inputs[0]);
        _y = planner.SharesGradient(node.Inputs[0])
            ? planner.ReplaceValue(node, node.Inputs[0])
            : planner.NewValue(node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        _yGradient = planner.Gradient(node);
        _xGradient = planner.SharesGradient(node.Inputs[0])
            ? new GradientTarget(_yGradient, Accumulate: false)
            : planner.RequiredTarget(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_y); row++)
            TensorPrimitives.Multiply(microBatch.Row(_x, row), _factor, microBatch.Row(_y, row));
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_y); row++)
        {
            Span<float> y = microBatch.Row(_yGradient, row), x = microBatch.Row(_xGradient.Matrix, row);
            if (_xGradient.Accumulate)
                TensorPrimitives.MultiplyAdd(y, _factor, x, x);
            else
                TensorPrimitives.Multiply(y, _factor, x);
        }
    }
}
