using Bitis.Execution.LowBit;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Matrices;
using Bitis.Kernels.Simd;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>
/// A linear layer whose backward pass is approximated: x̄ by <see cref="InputGradientProduct"/>, W̄ by
/// <see cref="WeightGradientProduct"/>; b̄ = Σ ȳ.
/// </summary>
/// <remarks>The forward pass is that of <see cref="LinearGradient"/>.</remarks>
internal sealed unsafe class LowBitLinearGradient(
    Node node, BackwardMethod method, GradientContext context) : OperationGradient, IDisposable
{
    private readonly Linear _layer = (Linear)node.Operator;
    private TokenBlocks _blocks = null!;
    private PackedFloatWeights _weights = null!;
    private InputGradientProduct _inputProduct = null!;
    private WeightGradientProduct? _weightProduct;
    private ParameterSlot _weight = null!;
    private ParameterSlot? _bias;
    private ArenaMatrix _x, _y, _yGradient;
    private CompressedInput? _kept;
    private bool _isFrozen;
    private GradientTarget? _xGradient;

    /// <inheritdoc />
    public override bool KeepsCompressedInput => true;

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        int outputs = _layer.OutFeatures, inputs = _layer.InFeatures, images = planner.Images;
        _weights = new PackedFloatWeights(outputs, inputs);
        _weight = planner.Parameter(node, 0);
        _bias = _layer.HasBias ? planner.Parameter(node, 1) : null;
        _x = planner.Value(node.Inputs[0]);
        _y = planner.NewRecomputableValue(node, _x, this);
        BackwardPolicy policy = context.Policy;
        _blocks = policy.BlocksOf(method, context.LayoutOf(node.Inputs[0]), images);
        _inputProduct = new InputGradientProduct(
            policy.InputArithmetic(method, context.IsSummand(node)), policy.Scale, _blocks, outputs, inputs,
            _x.Rows, images);
        _isFrozen = planner.IsFrozen(node);
        if (_isFrozen)
            planner.LeaveInput(node);
        if (!method.Weight.IsExact && !_isFrozen)
        {
            _weightProduct = new WeightGradientProduct(
                method.Weight, policy.BitsOfInput(method, _layer), _blocks, policy.Basis, outputs, inputs, images);
            _kept = planner.CompressInput(node, _x, _weightProduct.KeptBytes(images));
        }
        planner.NeedScratch(_weightProduct?.ScratchLength ?? 0);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        if (_kept is null && !_isFrozen)
            planner.KeepInput(node, planner.Value(node.Inputs[0]));
        _kept?.NeedAt(planner.Time);
        planner.NeedScratch(FloatGemm.TransposedScratch(planner.Images * _x.Rows));
        planner.NeedScratch(_inputProduct.ScratchLength);
        _yGradient = planner.Gradient(node);
        _xGradient = planner.Target(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Prepare()
    {
        _weights.Pack(_weight.Weight.Span, _bias is null ? default : _bias.Weight.Span);
        _inputProduct.Prepare(_weight.Weight.Span);
    }

    /// <inheritdoc />
    public override void Recompute(MicroBatch microBatch, int image, ArenaMatrix place) =>
        Multiply(microBatch, _x.OfImage(image), place, _x.Rows);

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        Multiply(microBatch, _x, _y, microBatch.Rows(_x));
        OperationTimes.EndPhase("product");
        if (_kept is { IsCompressed: true })
        {
            _weightProduct!.Keep(
                microBatch.Pointer(_x), _x.Stride, microBatch.Images, microBatch.Bytes(_kept.Block),
                microBatch.Scratch, KeepingKey(microBatch));
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        uint key = CounterRandom.Key(microBatch.Key, (uint)node.Index);
        if (!_isFrozen)
            AddParameterGradients(microBatch, CounterRandom.Key(key, 0));
        if (_xGradient is { Matrix: var x, Accumulate: var accumulate })
        {
            _inputProduct.Run(
                microBatch.Pointer(_yGradient), _yGradient.Stride, microBatch.Images, microBatch.Pointer(x), x.Stride,
                    accumulate, microBatch.Scratch, CounterRandom.Key(key, 1));
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _weights.Dispose();
        _blocks.Dispose();
        _inputProduct.Dispose();
        _weightProduct?.Dispose();
    }

    private uint KeepingKey(MicroBatch microBatch) =>
        CounterRandom.Key(CounterRandom.Key(microBatch.Key, (uint)node.Index), 2);

    private void Multiply(MicroBatch microBatch, ArenaMatrix x, ArenaMatrix y, int rows) => FloatGemm.Run(
        _weights, microBatch.Pointer(x), x.Stride, microBatch.Pointer(y), y.Stride, 0, rows, accumulate: false);

    private void AddParameterGradients(MicroBatch microBatch, uint key)
    {
        int rows = microBatch.Rows(_x);
        float* y = microBatch.Pointer(_yGradient), x = microBatch.Pointer(_x),
            weightGradient = microBatch.Gradient(_weight),
            biasGradient = _bias is null ? null : microBatch.Gradient(_bias);
        if (_weightProduct is null)
        {
            FloatGemm.AddTransposed(
                y, _yGradient.Stride, x, _x.Stride, rows, _layer.OutFeatures, _layer.InFeatures, weightGradient,
                    microBatch.Scratch);
            if (biasGradient is not null)
                RowSums.AddColumns(y, _yGradient.Stride, rows, _layer.OutFeatures, biasGradient);
        }
        else
        {
            byte* kept = microBatch.Bytes(_kept!.Block);
            if (!_kept.IsCompressed)
                _weightProduct.Keep(x, _x.Stride, microBatch.Images, kept, microBatch.Scratch, KeepingKey(microBatch));
            _weightProduct.Add(
                kept, y, _yGradient.Stride, microBatch.Images, weightGradient, microBatch.Scratch, key, biasGradient);
        }
        OperationTimes.EndPhase("bias");
    }
}
