using Bitis.Execution.Compiled.Grids;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators.Grids;
using Bitis.Kernels.Grids;
using Bitis.Kernels.Memory;

namespace Bitis.Execution.Gradients.Grids;

/// <summary>The interpolation of a grid of tokens, image by image.</summary>
internal sealed unsafe class GridResizeGradient : OperationGradient, IDisposable
{
    private readonly Node _node;
    private readonly GridResize _resize;
    private readonly NativeBuffer<ResizeStep> _rows, _columns;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget? _xGradient;

    /// <summary>Creates the operation of a node.</summary>
    public GridResizeGradient(Node node)
    {
        _node = node;
        _resize = (GridResize)node.Operator;
        _rows = ResizeSteps.Of(_resize.Height, _resize.OutHeight);
        _columns = ResizeSteps.Of(_resize.Width, _resize.OutWidth);
    }

    /// <inheritdoc />
    public override string Kind => _resize.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _x = planner.Value(_node.Inputs[0]);
        _y = planner.NewValue(_node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        _yGradient = planner.Gradient(_node);
        _xGradient = planner.Target(_node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            var call = new BilinearResizeCall
            {
                Width = _resize.Width,
                OutWidth = _resize.OutWidth,
                Channels = _x.Columns,
                Rows = _rows.Pointer,
                Columns = _columns.Pointer,
                Source = microBatch.Pointer(_x, image),
                SourceStride = _x.Stride,
                Target = microBatch.Pointer(_y, image),
                TargetStride = _y.Stride,
            };
            BilinearResize.Run(in call, 0, _resize.OutHeight);
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        if (_xGradient is not { } target)
            return;
        for (int row = 0; row < microBatch.Rows(_x) && !target.Accumulate; row++)
            microBatch.Row(target.Matrix, row).Clear();
        for (int image = 0; image < microBatch.Images; image++)
        {
            var call = new BilinearResizeGradientCall
            {
                Width = _resize.Width,
                OutWidth = _resize.OutWidth,
                Channels = _x.Columns,
                Rows = _rows.Pointer,
                Columns = _columns.Pointer,
                Output = microBatch.Pointer(_yGradient, image),
                OutputStride = _yGradient.Stride,
                Source = microBatch.Pointer(target.Matrix, image),
                SourceStride = target.Matrix.Stride,
            };
            BilinearResizeGradient.Run(in call, 0, _resize.OutHeight);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _rows.Dispose();
        _columns.Dispose();
    }
}
