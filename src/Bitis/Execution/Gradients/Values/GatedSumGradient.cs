using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;

namespace Bitis.Execution.Gradients.Values;

/// <summary>The sum of gated sequences, y = Σₖ g[k]·xₖ: x̄ₖ = ȳ·g[k], ḡ[k] = Σ_tokens ȳ·xₖ.</summary>
internal sealed unsafe class GatedSumGradient(Node node) : OperationGradient
{
    private ArenaMatrix _gates, _y, _yGradient;
    private ArenaMatrix[] _x = [];
    private GradientTarget _gatesGradient;
    private GradientTarget[] _xGradients = [];

    /// <inheritdoc />
    public override string Kind => node.Operator.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _gates = planner.Value(node.Inputs[0]);
        _x = [.. node.Inputs.Skip(1).Select(planner.Value)];
        _y = planner.NewValue(node);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        foreach (Node input in node.Inputs)
            planner.Value(input);
        _yGradient = planner.Gradient(node);
        _gatesGradient = planner.RequiredTarget(node.Inputs[0]);
        _xGradients = [.. node.Inputs.Skip(1).Select(input => planner.RequiredTarget(input))];
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_y); row++)
        {
            for (int k = 0; k < _x.Length; k++)
            {
                GatedSum.AddGated(
                    microBatch.Row(_x[k], row), Gate(microBatch, _gates, row, k), microBatch.Row(_y, row),
                    isFirst: k == 0);
            }
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_gates) && !_gatesGradient.Accumulate; row++)
            microBatch.Row(_gatesGradient.Matrix, row).Clear();
        for (int row = 0; row < microBatch.Rows(_y); row++)
        {
            Span<float> y = microBatch.Row(_yGradient, row);
            for (int k = 0; k < _x.Length; k++)
            {
                GatedSum.AddGated(
                    y, Gate(microBatch, _gates, row, k), microBatch.Row(_xGradients[k].Matrix, row),
                    isFirst: !_xGradients[k].Accumulate);
                Span<float> gate = Gate(microBatch, _gatesGradient.Matrix, row, k);
                TensorPrimitives.MultiplyAdd(y, microBatch.Row(_x[k], row), gate, gate);
            }
        }
    }

    /// <summary>The gate of a sequence, for the image that a row belongs to.</summary>
    private Span<float> Gate(MicroBatch microBatch, ArenaMatrix gates, int row, int sequence) =>
        microBatch.Row(gates, (row / _y.Rows * _x.Length) + sequence);
}
