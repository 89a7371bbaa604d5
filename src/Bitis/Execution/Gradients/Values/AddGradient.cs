using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Gradients.Values;

/// <summary>The sum of two values: both terms have the sum's gradient.</summary>
/// <remarks>
/// A term that is used nowhere else shares its memory; the other one, the residual stream, gets a copy.
/// </remarks>
internal sealed unsafe class AddGradient(Node node) : OperationGradient
{
    private readonly List<GradientTarget> _copies = [];
    private ArenaMatrix _left, _right, _y, _yGradient;

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
        _yGradient = planner.Gradient(node);
        foreach (Node input in node.Inputs.Where(input => !planner.SharesGradient(input)))
        {
            if (planner.Target(input) is { } target)
                _copies.Add(target);
        }
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        float* left = microBatch.Pointer(_left), right = microBatch.Pointer(_right), y = microBatch.Pointer(_y);
        for (nint row = 0; row < microBatch.Rows(_y); row++)
        {
            TensorPrimitives.Add(
                new ReadOnlySpan<float>(left + (row * _left.Stride), _y.Columns),
                new ReadOnlySpan<float>(right + (row * _right.Stride), _y.Columns),
                new Span<float>(y + (row * _y.Stride), _y.Columns));
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        foreach (GradientTarget target in _copies)
        {
            MatrixSums.Write(
                microBatch.Pointer(_yGradient), _yGradient.Stride, target, microBatch.Pointer(target.Matrix),
                microBatch.Rows(_y));
        }
    }
}
