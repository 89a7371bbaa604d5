using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Matrices;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>A linear layer, y = x·Wᵀ + b: x̄ = ȳ·W, W̄ = ȳᵀ·x, b̄ = Σ ȳ.</summary>
/// <remarks>Weights are packed once for all micro-batches, in both directions.</remarks>
internal sealed unsafe class LinearGradient(Node node) : OperationGradient, IDisposable
{
    private readonly Linear _layer = (Linear)node.Operator;
    private PackedFloatWeights _weights = null!;
    private PackedFloatWeights _transposed = null!;
    private bool _isFrozen;
    private ParameterSlot _weight = null!;
    private ParameterSlot? _bias;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget? _xGradient;

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weights = new PackedFloatWeights(_layer.OutFeatures, _layer.InFeatures);
        _transposed = new PackedFloatWeights(_layer.InFeatures, _layer.OutFeatures);
        _isFrozen = planner.IsFrozen(node);
        if (_isFrozen)
            planner.LeaveInput(node);
        _weight = planner.Parameter(node, 0);
        _bias = _layer.HasBias ? planner.Parameter(node, 1) : null;
        _x = planner.Value(node.Inputs[0]);
        _y = planner.NewRecomputableValue(node, _x, this);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        if (!_isFrozen)
            planner.KeepInput(node, planner.Value(node.Inputs[0]));
        planner.NeedScratch(FloatGemm.TransposedScratch(planner.Images * _x.Rows));
        _yGradient = planner.Gradient(node);
        _xGradient = planner.Target(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Prepare()
    {
        _weights.Pack(_weight.Weight.Span, _bias is null ? default : _bias.Weight.Span);
        _transposed.PackTransposed(_weight.Weight.Span);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch) => Multiply(microBatch, _x, _y, microBatch.Rows(_x));

    /// <inheritdoc />
    public override void Recompute(MicroBatch microBatch, int image, ArenaMatrix place) =>
        Multiply(microBatch, _x.OfImage(image), place, _x.Rows);

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        int rows = microBatch.Rows(_x);
        float* y = microBatch.Pointer(_yGradient), x = microBatch.Pointer(_x);
        if (!_isFrozen)
        {
            FloatGemm.AddTransposed(
                y, _yGradient.Stride, x, _x.Stride, rows, _layer.OutFeatures, _layer.InFeatures,
                    microBatch.Gradient(_weight), microBatch.Scratch);
        }
        if (!_isFrozen && _bias is not null)
            RowSums.AddColumns(y, _yGradient.Stride, rows, _layer.OutFeatures, microBatch.Gradient(_bias));
        if (_xGradient is { } target)
        {
            FloatGemm.Run(
                _transposed, y, _yGradient.Stride, microBatch.Pointer(target.Matrix), target.Matrix.Stride, 0, rows,
                    target.Accumulate);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _weights.Dispose();
        _transposed.Dispose();
    }

    private void Multiply(MicroBatch microBatch, ArenaMatrix x, ArenaMatrix y, int rows) => FloatGemm.Run(
        _weights, microBatch.Pointer(x), x.Stride, microBatch.Pointer(y), y.Stride, 0, rows, accumulate: false);
}
