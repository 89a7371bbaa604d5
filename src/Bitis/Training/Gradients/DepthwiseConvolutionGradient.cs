using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using Bitis.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training.Gradients;

/// <summary>
/// A depthwise convolution over a grid of tokens. Each tap of the kernel joins rows of channels: y += w·x forward,
/// x̄ += w·ȳ and w̄ += ȳ·x in reverse, all of them over contiguous channels.
/// </summary>
internal sealed unsafe class DepthwiseConvolutionGradient : GradientStep
{
    private readonly Node _node;
    private readonly DepthwiseConv2d _layer;
    private readonly Tensor _taps; // [kernel², channels]
    private ParameterSlot _weight = null!;
    private ParameterSlot? _bias;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <summary>Creates the step.</summary>
    public DepthwiseConvolutionGradient(Node node)
    {
        _node = node;
        _layer = (DepthwiseConv2d)node.Operator;
        _taps = new Tensor([_layer.Kernel * _layer.Kernel, _layer.Channels]);
    }

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weight = planner.Parameter(_node, 0);
        _bias = _layer.HasBias ? planner.Parameter(_node, 1) : null;
        _x = planner.Value(_node.Inputs[0]);
        if (_x.IsReversed)
            throw new NotSupportedException($"The input of '{_node.Name}' lies in reverse.");
        _y = planner.NewValue(_node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(_node.Inputs[0]);
        _yGradient = planner.Gradient(_node);
        _xGradient = planner.Target(_node.Inputs[0])!.Value;
    }

    /// <inheritdoc />
    public override void Prepare() => MatrixSums.Transpose(
        _weight.Weight.Pointer, _layer.Channels, _taps.Shape[0], _taps.Pointer, accumulate: false);

    /// <inheritdoc />
    public override void Forward(GradientLane lane)
    {
        for (int row = 0; row < lane.Rows(_y); row++)
        {
            Span<float> y = lane.Row(_y, row);
            if (_bias is null)
                y.Clear();
            else
                _bias.Weight.Span.CopyTo(y);
            for (int tap = 0; tap < _taps.Shape[0]; tap++)
            {
                if (Source(row, tap) is { } source)
                    TensorPrimitives.MultiplyAdd(lane.Row(_x, source), Tap(tap), y, y);
            }
        }
    }

    /// <inheritdoc />
    public override void Backward(GradientLane lane)
    {
        int rows = lane.Rows(_y), channels = _layer.Channels;
        if (!_xGradient.Accumulate)
        {
            for (int row = 0; row < rows; row++)
                lane.Row(_xGradient.Matrix, row).Clear();
        }
        for (int row = 0; row < rows; row++)
        {
            Span<float> y = lane.Row(_yGradient, row);
            for (int tap = 0; tap < _taps.Shape[0]; tap++)
            {
                if (Source(row, tap) is not { } source)
                    continue;
                Span<float> x = lane.Row(_xGradient.Matrix, source), weight = new(lane.Gradient(_weight) + (tap * channels), channels);
                TensorPrimitives.MultiplyAdd(y, Tap(tap), x, x);
                TensorPrimitives.MultiplyAdd(y, lane.Row(_x, source), weight, weight);
            }
        }
        if (_bias is not null)
            MatrixSums.AddColumns(lane.Pointer(_yGradient), _yGradient.Stride, rows, channels, lane.Gradient(_bias));
    }

    /// <inheritdoc />
    public override void Finish()
    {
        Tensor taps = _weight.Gradient.Clone();
        MatrixSums.Transpose(taps.Pointer, _taps.Shape[0], _layer.Channels, _weight.Gradient.Pointer, accumulate: false);
        GC.KeepAlive(taps);
    }

    private ReadOnlySpan<float> Tap(int tap) => _taps.Span.Slice(tap * _layer.Channels, _layer.Channels);

    /// <summary>The row that a tap sees, among those of all images.</summary>
    private int? Source(int row, int tap) => row - (row % _y.Rows) + _layer.Source(row % _y.Rows, tap);
}
