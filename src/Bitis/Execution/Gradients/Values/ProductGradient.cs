using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Gradients.Values;

/// <summary>The product of two values, y = a·b: ā = ȳ·b, b̄ = ȳ·a.</summary>
internal sealed unsafe class ProductGradient(Node node) : OperationGradient
{
    private ArenaMatrix _left, _right, _y, _yGradient;
    private GradientTarget _leftGradient, _rightGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        (_left, _right) = (planner.Value(node.Inputs[0]), planner.Value(node.Inputs[1]));
        _y = planner.NewValue(node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(node.Inputs[0]);
        planner.Value(node.Inputs[1]);
        _yGradient = planner.Gradient(node);
        _leftGradient = planner.RequiredTarget(node.Inputs[0]);
        _rightGradient = planner.RequiredTarget(node.Inputs[1]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_y); row++)
            TensorPrimitives.Multiply(microBatch.Row(_left, row), microBatch.Row(_right, row), microBatch.Row(_y, row));
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_y); row++)
        {
            AddProduct(
                microBatch.Row(_yGradient, row), microBatch.Row(_right, row), microBatch.Row(_leftGradient.Matrix, row),
                _leftGradient.Accumulate);
            AddProduct(
                microBatch.Row(_yGradient, row), microBatch.Row(_left, row), microBatch.Row(_rightGradient.Matrix, row),
                _rightGradient.Accumulate);
        }
    }

    private static void AddProduct(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> target, bool accumulate)
    {
        if (accumulate)
            TensorPrimitives.MultiplyAdd(a, b, target, target);
        else
            TensorPrimitives.Multiply(a, b, target);
    }
}
