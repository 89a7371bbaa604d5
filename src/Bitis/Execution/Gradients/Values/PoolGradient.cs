using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Kernels.Matrices;

namespace Bitis.Execution.Gradients.Values;

/// <summary>One vector for all tokens of an image: the class token's row, or the mean of all rows.</summary>
/// <param name="node">The node.</param>
/// <param name="token">The token; null for the mean.</param>
internal sealed unsafe class PoolGradient(Node node, int? token) : OperationGradient
{
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <summary>The row in memory that is selected; null for the mean.</summary>
    private int? SelectedRow => _x.IsReversed ? _x.Rows - 1 - token : token;

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
        _xGradient = planner.RequiredTarget(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            Span<float> y = microBatch.Row(_y, image);
            if (SelectedRow is { } selected)
            {
                microBatch.Row(_x, (image * _x.Rows) + selected).CopyTo(y);
                continue;
            }
            y.Clear();
            RowSums.AddColumns(
                microBatch.Pointer(_x, image), _x.Stride, _x.Rows, _x.Columns, microBatch.Pointer(_y, image));
            TensorPrimitives.Divide(y, _x.Rows, y);
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_x); row++)
        {
            Span<float> x = microBatch.Row(_xGradient.Matrix, row);
            float share = SelectedRow is null ? 1f / _x.Rows : row % _x.Rows == SelectedRow ? 1 : 0;
            if (!_xGradient.Accumulate)
                x.Clear();
            if (share > 0)
                TensorPrimitives.MultiplyAdd(microBatch.Row(_yGradient, row / _x.Rows), share, x, x);
        }
    }
}
