using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Gradients.Grids;

/// <summary>Values side by side: each has its columns of the gradient.</summary>
internal sealed unsafe class ConcatGradient(Node node) : OperationGradient
{
    private readonly List<(GradientTarget Target, ArenaMatrix Columns)> _targets = [];
    private ArenaMatrix[] _parts = [];
    private ArenaMatrix _y;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _parts = [.. node.Inputs.Select(planner.Value)];
        _y = planner.NewValue(node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        ArenaMatrix gradient = planner.Gradient(node);
        int start = 0;
        foreach ((Node input, ArenaMatrix part) in node.Inputs.Zip(_parts))
        {
            if (planner.Target(input) is { } target)
                _targets.Add((target, gradient.Slice(start, part.Columns)));
            start += part.Columns;
        }
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_y); row++)
        {
            Span<float> target = microBatch.Row(_y, row);
            foreach (ArenaMatrix part in _parts)
            {
                microBatch.Row(part, row).CopyTo(target);
                target = target[part.Columns..];
            }
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        foreach ((GradientTarget target, ArenaMatrix columns) in _targets)
        {
            MatrixSums.Write(
                microBatch.Pointer(columns), columns.Stride, target, microBatch.Pointer(target.Matrix),
                microBatch.Rows(columns));
        }
    }
}
