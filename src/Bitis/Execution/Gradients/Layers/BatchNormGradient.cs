using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators.Grids;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>Batch normalization with frozen statistics: only the factor and the bias of each channel learn.</summary>
/// <remarks>
/// <c>x̄ = ȳ·w/√(v + ε)</c>, <c>w̄ = Σ ȳ·(x − m)/√(v + ε)</c>, <c>b̄ = Σ ȳ</c>. Batches of a few images that are
/// computed one after the other have no statistics worth keeping.
/// </remarks>
internal sealed class BatchNormGradient : OperationGradient
{
    private readonly Node _node;
    private readonly BatchNorm _norm;
    private readonly float[] _factors, _offsets, _inverses;
    private FloatTensor[] _parameters = [];
    private ParameterSlot _weight = null!, _bias = null!;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget? _xGradient;

    /// <summary>Creates the operation of a node.</summary>
    public BatchNormGradient(Node node)
    {
        _node = node;
        _norm = (BatchNorm)node.Operator;
        _factors = new float[_norm.Channels];
        _offsets = new float[_norm.Channels];
        _inverses = new float[_norm.Channels];
    }

    /// <inheritdoc />
    public override string Kind => _norm.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _parameters = [.. Enumerable.Range(0, _norm.Parameters.Count).Select(index => planner.Weight(_node, index))];
        _weight = planner.Parameter(_node, 0);
        _bias = planner.Parameter(_node, 1);
        _x = planner.Value(_node.Inputs[0]);
        _y = planner.NewValue(_node);
        planner.NeedScratch(_norm.Channels);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(_node.Inputs[0]);
        _yGradient = planner.Gradient(_node);
        _xGradient = planner.Target(_node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Prepare()
    {
        for (int channel = 0; channel < _norm.Channels; channel++)
        {
            (double factor, double offset) = _norm.Factors(_parameters, channel);
            (_factors[channel], _offsets[channel]) = ((float)factor, (float)offset);
            _inverses[channel] = (float)(1 / Math.Sqrt((double)_parameters[3].Span[channel] + _norm.Epsilon));
        }
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int row = 0; row < microBatch.Rows(_x); row++)
            TensorPrimitives.MultiplyAdd(microBatch.Row(_x, row), _factors, _offsets, microBatch.Row(_y, row));
    }

    /// <inheritdoc />
    public override unsafe void Backward(MicroBatch microBatch)
    {
        var normed = new Span<float>(microBatch.Scratch, _norm.Channels);
        var weight = new Span<float>(microBatch.Gradient(_weight), _norm.Channels);
        var bias = new Span<float>(microBatch.Gradient(_bias), _norm.Channels);
        ReadOnlySpan<float> means = _parameters[2].Span;
        for (int row = 0; row < microBatch.Rows(_x); row++)
        {
            ReadOnlySpan<float> y = microBatch.Row(_yGradient, row);
            TensorPrimitives.Subtract(microBatch.Row(_x, row), means, normed);
            TensorPrimitives.Multiply(normed, _inverses, normed);
            TensorPrimitives.MultiplyAdd(y, normed, weight, weight);
            TensorPrimitives.Add(bias, y, bias);
            if (_xGradient is not { } target)
                continue;
            Span<float> x = microBatch.Row(target.Matrix, row);
            if (target.Accumulate)
                TensorPrimitives.MultiplyAdd(y, _factors, x, x);
            else
                TensorPrimitives.Multiply(y, _factors, x);
        }
    }
}
