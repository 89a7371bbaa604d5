using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators.Grids;
using Bitis.Kernels.Grids;

namespace Bitis.Execution.Gradients.Grids;

/// <summary>The average of a grid of tokens over bins, image by image.</summary>
internal sealed unsafe class GridPoolGradient(Node node) : OperationGradient
{
    private readonly GridPool _pool = (GridPool)node.Operator;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget? _xGradient;

    /// <inheritdoc />
    public override string Kind => _pool.Kind;

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
        _xGradient = planner.Target(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            var call = new AveragePoolCall
            {
                Height = _pool.Height,
                Width = _pool.Width,
                Bins = _pool.Bins,
                Channels = _x.Columns,
                Source = microBatch.Pointer(_x, image),
                SourceStride = _x.Stride,
                Target = microBatch.Pointer(_y, image),
                TargetStride = _y.Stride,
            };
            AveragePool.Run(in call, 0, _y.Rows);
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        if (_xGradient is not { } target)
            return;
        for (int image = 0; image < microBatch.Images; image++)
        {
            var call = new AveragePoolGradientCall
            {
                Height = _pool.Height,
                Width = _pool.Width,
                Bins = _pool.Bins,
                Channels = _x.Columns,
                Accumulate = target.Accumulate,
                Output = microBatch.Pointer(_yGradient, image),
                OutputStride = _yGradient.Stride,
                Source = microBatch.Pointer(target.Matrix, image),
                SourceStride = target.Matrix.Stride,
            };
            AveragePoolGradient.Run(in call, 0, _pool.Height);
        }
    }
}
