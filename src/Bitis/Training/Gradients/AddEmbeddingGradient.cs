using Bitis.Graphs;
using Bitis.Runtime;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training.Gradients;

/// <summary>The position embedding, added in place; its gradient is the sum over the images.</summary>
internal sealed unsafe class AddEmbeddingGradient(Node node) : GradientStep
{
    private ParameterSlot _embedding = null!;
    private ArenaMatrix _y, _yGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _embedding = planner.Parameter(node, 0);
        _y = planner.SharesGradient(node.Inputs[0])
            ? planner.ReplaceValue(node, node.Inputs[0])
            : throw new NotSupportedException($"The input of '{node.Name}' has other users.");
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        _yGradient = planner.Gradient(node);
    }

    /// <inheritdoc />
    public override void Forward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            var values = new Span<float>(lane.Pointer(_y, image), _y.Rows * _y.Stride);
            TensorPrimitives.Add(values, _embedding.Weight.Span, values);
        }
    }

    /// <inheritdoc />
    public override void Backward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
            MatrixSums.AddColumns(lane.Pointer(_yGradient, image), stride: 0, rows: 1, _y.Rows * _y.Stride, lane.Gradient(_embedding));
    }
}
