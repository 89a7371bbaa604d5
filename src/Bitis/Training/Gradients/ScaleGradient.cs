using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training.Gradients;

/// <summary>A product with a constant, in place, forward and back.</summary>
internal sealed unsafe class ScaleGradient(Node node) : GradientStep
{
    private readonly float _factor = ((Scale)node.Operator).Factor;
    private ArenaMatrix _y, _yGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner) => _y = planner.SharesGradient(node.Inputs[0])
        ? planner.ReplaceValue(node, node.Inputs[0])
        : throw new NotSupportedException($"The input of '{node.Name}' has other users.");

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner) => _yGradient = planner.Gradient(node);

    /// <inheritdoc />
    public override void Forward(GradientLane lane) => Multiply(lane, _y);

    /// <inheritdoc />
    public override void Backward(GradientLane lane) => Multiply(lane, _yGradient);

    private void Multiply(GradientLane lane, ArenaMatrix matrix)
    {
        for (nint row = 0; row < lane.Rows(matrix); row++)
        {
            var values = new Span<float>(lane.Pointer(matrix) + (row * matrix.Stride), matrix.Columns);
            TensorPrimitives.Multiply(values, _factor, values);
        }
    }
}
