using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Kernels.Matrices;

namespace Bitis.Execution.Gradients.Values;

/// <summary>The class token: its gradient is the sum of its row over the images.</summary>
internal sealed unsafe class InsertTokenGradient(Node node) : OperationGradient
{
    private readonly int _position = ((InsertToken)node.Operator).Position;
    private ParameterSlot _token = null!;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _token = planner.Parameter(node, 0);
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
        int columns = _x.Columns;
        for (int image = 0; image < microBatch.Images; image++)
        {
            float* x = microBatch.Pointer(_x, image), y = microBatch.Pointer(_y, image);
            for (int row = 0; row < _y.Rows; row++)
            {
                ReadOnlySpan<float> source = row == _position
                    ? _token.Weight.Span
                    : new ReadOnlySpan<float>(x + ((nint)(row < _position ? row : row - 1) * _x.Stride), columns);
                source.CopyTo(new Span<float>(y + ((nint)row * _y.Stride), columns));
            }
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        ArenaMatrix target = _xGradient.Matrix;
        for (int image = 0; image < microBatch.Images; image++)
        {
            float* y = microBatch.Pointer(_yGradient, image), x = microBatch.Pointer(target, image);
            nint stride = _yGradient.Stride;
            RowSums.AddColumns(y + (_position * stride), stride, rows: 1, _x.Columns, microBatch.Gradient(_token));
            MatrixSums.Write(y, stride, _xGradient, x, _position);
            MatrixSums.Write(
                y + ((_position + 1) * stride), stride, _xGradient, x + ((nint)_position * target.Stride),
                    _x.Rows - _position);
        }
    }
}
