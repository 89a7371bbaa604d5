using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Kernels.Activations;

namespace Bitis.Execution.Gradients.Values;

/// <summary>The rectifier, x̄ = ȳ where x was positive.</summary>
/// <remarks>
/// It keeps one bit an element (<see cref="PositiveMask"/>) instead of a value, so that a low-bit layer behind it keeps
/// the only copy of its input.
/// </remarks>
internal sealed unsafe class ReluGradient(Node node) : OperationGradient
{
    private ArenaMatrix _x, _y, _yGradient, _mask;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _x = planner.Value(node.Inputs[0]);
        _y = planner.NewValue(node);
        _mask = planner.NewMatrix(1, ((_x.Rows * PositiveMask.Words(_x.Columns)) + 1) / 2); // two words to an element
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Keep(_mask);
        _yGradient = planner.Gradient(node);
        _xGradient = planner.RequiredTarget(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        (int rows, int columns) = Pieces();
        for (int image = 0; image < microBatch.Images; image++)
        {
            float* x = microBatch.Pointer(_x, image), y = microBatch.Pointer(_y, image);
            var mask = (ushort*)microBatch.Pointer(_mask, image);
            for (nint row = 0; row < rows; row++)
            {
                PositiveMask.Write(x + (row * _x.Stride), mask + (row * PositiveMask.Words(columns)), columns);
                Elementwise.Relu.Best.Run(x + (row * _x.Stride), y + (row * _y.Stride), columns);
            }
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        (int rows, int columns) = Pieces();
        for (int image = 0; image < microBatch.Images; image++)
        {
            float* y = microBatch.Pointer(_yGradient, image), x = microBatch.Pointer(_xGradient.Matrix, image);
            var mask = (ushort*)microBatch.Pointer(_mask, image);
            for (nint row = 0; row < rows; row++)
            {
                PositiveMask.Apply(
                    y + (row * _yGradient.Stride), mask + (row * PositiveMask.Words(columns)),
                        x + (row * _xGradient.Matrix.Stride), columns, _xGradient.Accumulate);
            }
        }
    }

    /// <summary>How many contiguous pieces an image has, and how long each is.</summary>
    /// <remarks>A piece is a row. It is the whole image if none of the values is a slice.</remarks>
    private (int Rows, int Columns) Pieces()
    {
        bool isContiguous = _x.IsContiguous && _y.IsContiguous && _yGradient.IsContiguous
            && _xGradient.Matrix.IsContiguous;
        return isContiguous ? (1, _x.Rows * _x.Columns) : (_x.Rows, _x.Columns);
    }
}
