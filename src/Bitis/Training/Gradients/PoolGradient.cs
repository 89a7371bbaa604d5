using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training.Gradients;

/// <summary>One vector for all tokens of an image: the class token's row, or the mean of all rows.</summary>
internal sealed unsafe class PoolGradient(Node node) : GradientStep
{
    /// <summary>The row that is taken; null for the mean.</summary>
    private readonly int? _row = (node.Operator as SelectToken)?.Position;
    private ArenaMatrix _x, _y, _yGradient, _xGradient;

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
        _yGradient = planner.Gradient(node);
        GradientTarget target = planner.Target(node.Inputs[0])!.Value;
        if (target.Accumulate || _x.IsReversed)
            throw new NotSupportedException($"The input of '{node.Name}' has other users, or lies in reverse.");
        _xGradient = target.Matrix;
    }

    /// <inheritdoc />
    public override void Forward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            float* x = lane.Pointer(_x, image), y = lane.Pointer(_y, image);
            var target = new Span<float>(y, _y.Columns);
            if (_row is { } row)
            {
                new ReadOnlySpan<float>(x + ((nint)row * _x.Stride), _x.Columns).CopyTo(target);
                continue;
            }
            target.Clear();
            MatrixSums.AddColumns(x, _x.Stride, _x.Rows, _x.Columns, y);
            TensorPrimitives.Divide(target, _x.Rows, target);
        }
    }

    /// <inheritdoc />
    public override void Backward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            var gradient = new ReadOnlySpan<float>(lane.Pointer(_yGradient, image), _y.Columns);
            for (int row = 0; row < _x.Rows; row++)
            {
                var target = new Span<float>(lane.Pointer(_xGradient, image) + ((nint)row * _xGradient.Stride), _x.Columns);
                if (_row is null)
                    TensorPrimitives.Divide(gradient, _x.Rows, target);
                else if (_row == row)
                    gradient.CopyTo(target);
                else
                    target.Clear();
            }
        }
    }
}
