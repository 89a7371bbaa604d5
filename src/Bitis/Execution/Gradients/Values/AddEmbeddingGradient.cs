using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Gradients.Values;

/// <summary>The position embedding, added in place if possible. Its gradient is the sum over the images.</summary>
internal sealed unsafe class AddEmbeddingGradient(Node node) : OperationGradient
{
    private ParameterSlot _embedding = null!;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget? _copy;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _embedding = planner.Parameter(node, 0);
        _x = planner.Value(node.Inputs[0]);
        _y = planner.SharesGradient(node.Inputs[0])
            ? planner.ReplaceValue(node, node.Inputs[0])
            : planner.NewValue(node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        _yGradient = planner.Gradient(node);
        _copy = planner.SharesGradient(node.Inputs[0]) ? null : planner.Target(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_y); row++)
            TensorPrimitives.Add(microBatch.Row(_x, row), Embedding(row), microBatch.Row(_y, row));
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        var sums = new Span<float>(microBatch.Gradient(_embedding), _embedding.Gradient.Length);
        for (int row = 0; row < microBatch.Rows(_y); row++)
        {
            Span<float> sum = sums.Slice(row % _y.Rows * _y.Columns, _y.Columns);
            TensorPrimitives.Add(sum, microBatch.Row(_yGradient, row), sum);
        }
        if (_copy is { } target)
        {
            MatrixSums.Write(
                microBatch.Pointer(_yGradient), _yGradient.Stride, target, microBatch.Pointer(target.Matrix),
                microBatch.Rows(_y));
        }
    }

    private ReadOnlySpan<float> Embedding(int row) =>
        _embedding.Weight.Span.Slice(row % _y.Rows * _y.Columns, _y.Columns);
}
