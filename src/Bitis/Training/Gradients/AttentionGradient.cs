using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Training.Gradients;

/// <summary>
/// Self-attention, y = P·v with P = softmax(q·kᵀ/√d): v̄ = Pᵀ·ȳ, and with P̄ = ȳ·vᵀ and S̄ = P·(P̄ − Σ P·P̄)/√d (row by row), q̄ = S̄·k, k̄ = S̄ᵀ·q.
/// P is computed again in the reverse pass, row by row, and never kept.
/// </summary>
internal sealed unsafe class AttentionGradient(Node node) : GradientStep
{
    private readonly Attention _layer = (Attention)node.Operator;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _x = planner.Value(node.Inputs[0]);
        _y = planner.NewValue(node, _x.IsReversed);
        planner.NeedScratch(2 * _x.Rows);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(node.Inputs[0]);
        _yGradient = planner.Gradient(node);
        _xGradient = planner.RequiredTarget(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(GradientLane lane)
    {
        var weights = new Span<float>(lane.Scratch, _x.Rows);
        for (int row = 0; row < lane.Rows(_x); row++)
        {
            for (int head = 0; head < _layer.Heads; head++)
            {
                Span<float> y = Head(lane.Row(_y, row), 0, head);
                y.Clear();
                Weigh(lane, row, head, weights);
                int first = row - (row % _x.Rows);
                for (int j = 0; j < weights.Length; j++)
                    TensorPrimitives.MultiplyAdd(Head(lane.Row(_x, first + j), 2, head), weights[j], y, y);
            }
        }
    }

    /// <inheritdoc />
    public override void Backward(GradientLane lane)
    {
        Span<float> weights = new(lane.Scratch, _x.Rows), slopes = new(lane.Scratch + _x.Rows, _x.Rows);
        float scale = 1 / MathF.Sqrt(_layer.HeadWidth);
        for (int row = 0; row < lane.Rows(_x) && !_xGradient.Accumulate; row++)
            lane.Row(_xGradient.Matrix, row).Clear();
        for (int row = 0; row < lane.Rows(_x); row++)
        {
            int first = row - (row % _x.Rows);
            for (int head = 0; head < _layer.Heads; head++)
            {
                Weigh(lane, row, head, weights);
                ReadOnlySpan<float> y = Head(lane.Row(_yGradient, row), 0, head), query = Head(lane.Row(_x, row), 0, head);
                for (int j = 0; j < slopes.Length; j++)
                {
                    slopes[j] = TensorPrimitives.Dot(y, Head(lane.Row(_x, first + j), 2, head)); // P̄
                    Span<float> value = Head(lane.Row(_xGradient.Matrix, first + j), 2, head);
                    TensorPrimitives.MultiplyAdd(y, weights[j], value, value);
                }
                TensorPrimitives.Subtract(slopes, TensorPrimitives.Dot<float>(weights, slopes), slopes);
                TensorPrimitives.Multiply(slopes, weights, slopes);
                TensorPrimitives.Multiply(slopes, scale, slopes); // S̄
                Span<float> queryGradient = Head(lane.Row(_xGradient.Matrix, row), 0, head);
                for (int j = 0; j < slopes.Length; j++)
                {
                    Span<float> key = Head(lane.Row(_xGradient.Matrix, first + j), 1, head);
                    TensorPrimitives.MultiplyAdd(Head(lane.Row(_x, first + j), 1, head), slopes[j], queryGradient, queryGradient);
                    TensorPrimitives.MultiplyAdd(query, slopes[j], key, key);
                }
            }
        }
    }

    /// <summary>A head's channels of a row: of queries (0), keys (1) or values (2).</summary>
    private Span<float> Head(Span<float> row, int part, int head) => row.Slice((part * _layer.Width) + (head * _layer.HeadWidth), _layer.HeadWidth);

    /// <summary>A row of P, over the tokens of the row's image.</summary>
    private void Weigh(GradientLane lane, int row, int head, Span<float> weights)
    {
        ReadOnlySpan<float> query = Head(lane.Row(_x, row), 0, head);
        float scale = 1 / MathF.Sqrt(_layer.HeadWidth);
        int first = row - (row % _x.Rows);
        for (int j = 0; j < weights.Length; j++)
            weights[j] = scale * TensorPrimitives.Dot(query, Head(lane.Row(_x, first + j), 1, head));
        TensorPrimitives.SoftMax(weights, weights);
    }
}
