using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Gradients.Values;

/// <summary>
/// The change from a map, <c>[channels, height, width]</c>, to tokens, <c>[height·width, channels]</c>: a
/// transposition.
/// </summary>
internal sealed unsafe class FlattenSpatialGradient(Node node) : OperationGradient
{
    private readonly int _channels = node.Shape[1], _tokens = node.Shape[0];
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _x = planner.ContiguousValue(node.Inputs[0]);
        _y = planner.NewValue(node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        _yGradient = planner.Gradient(node);
        _xGradient = planner.ContiguousTarget(node.Inputs[0])!.Value;
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            MatrixSums.Transpose(
                microBatch.Pointer(_x, image), _tokens, _channels, _tokens, microBatch.Pointer(_y, image),
                accumulate: false);
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            MatrixSums.Transpose(
                microBatch.Pointer(_yGradient, image), _channels, _tokens, _channels,
                    microBatch.Pointer(_xGradient.Matrix, image), _xGradient.Accumulate);
        }
    }
}
