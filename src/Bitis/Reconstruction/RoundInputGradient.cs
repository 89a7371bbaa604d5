using Bitis.Execution.Gradients;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Quantization.Quantizers;

namespace Bitis.Reconstruction;

/// <summary>
/// <see cref="RoundInput"/> with a straight-through gradient: x̄ = ȳ where x is inside of the levels, else 0.
/// </summary>
/// <param name="node">The node.</param>
/// <param name="quantizer">Its quantizer.</param>
internal sealed class RoundInputGradient(Node node, UniformQuantizer quantizer) : OperationGradient
{
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget? _xGradient;

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _x = planner.Value(node.Inputs[0]);
        _y = planner.NewValue(node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(node.Inputs[0]);
        _yGradient = planner.Gradient(node);
        _xGradient = planner.Target(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_x); row++)
            quantizer.Simulate(microBatch.Row(_x, row), Token(row), microBatch.Row(_y, row));
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        if (_xGradient is not { } xGradient)
            return;
        for (int row = 0; row < microBatch.Rows(_x); row++)
        {
            ReadOnlySpan<float> x = microBatch.Row(_x, row), gradient = microBatch.Row(_yGradient, row);
            Span<float> target = microBatch.Row(xGradient.Matrix, row);
            int token = Token(row);
            for (int channel = 0; channel < x.Length; channel++)
            {
                int group = quantizer.GroupOf(token, channel);
                float level = MathF.Round(x[channel] * quantizer.InverseScales[group]) + quantizer.ZeroPoints[group];
                float passed = level >= quantizer.MinLevel && level <= quantizer.MaxLevel ? gradient[channel] : 0;
                target[channel] = xGradient.Accumulate ? target[channel] + passed : passed;
            }
        }
    }

    /// <summary>The position of a row in the order in which the layer sees its tokens.</summary>
    private int Token(int row) => _x.IsReversed ? _x.Rows - 1 - (row % _x.Rows) : row % _x.Rows;
}
