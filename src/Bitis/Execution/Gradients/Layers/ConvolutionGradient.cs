using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Matrices;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>A convolution between maps, forward and backward.</summary>
/// <remarks>
/// The places of the kernel are unfolded to rows. The rest is a linear layer, y = x·Wᵀ + b. The rows take K² times the
/// memory of the input. So the backward pass unfolds again instead of keeping them. It folds x̄ = ȳ·W back: what
/// overlaps is added up.
/// </remarks>
internal sealed unsafe class ConvolutionGradient(Node node) : OperationGradient, IDisposable
{
    private readonly Conv2d _layer = (Conv2d)node.Operator;
    private readonly int _height =
        node.Inputs[0].Shape[1], _width = node.Inputs[0].Shape[2], _places = node.Shape[1] * node.Shape[2];
    private PackedFloatWeights _weights = null!, _transposed = null!;
    private ParameterSlot _weight = null!;
    private ParameterSlot? _bias;
    private ArenaMatrix _x, _y, _yGradient;
    private bool _isFrozen;
    private GradientTarget? _xGradient;

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    private int PatchLength => _layer.InChannels * _layer.KernelSize * _layer.KernelSize;

    private int InputLength => _layer.InChannels * _height * _width;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weights = new PackedFloatWeights(_layer.OutChannels, PatchLength);
        _transposed = new PackedFloatWeights(PatchLength, _layer.OutChannels);
        _weight = planner.Parameter(node, 0);
        _bias = _layer.HasBias ? planner.Parameter(node, 1) : null;
        _x = planner.ContiguousValue(node.Inputs[0]);
        _y = planner.NewValue(node);
        planner.NeedScratch((_places * (PatchLength + _layer.OutChannels)) + FloatGemm.TransposedScratch(_places));
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        _isFrozen = planner.IsFrozen(node);
        if (!_isFrozen)
            planner.KeepInput(node, _x);
        _yGradient = planner.Gradient(node);
        _xGradient = planner.ContiguousTarget(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Prepare()
    {
        _weights.Pack(_weight.Weight.Span, _bias is null ? default : _bias.Weight.Span);
        _transposed.PackTransposed(_weight.Weight.Span);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        float* rows = Rows(microBatch);
        for (int image = 0; image < microBatch.Images; image++)
        {
            Unfold(microBatch, image);
            FloatGemm.Run(
                _weights, microBatch.Scratch, PatchLength, rows, _layer.OutChannels, 0, _places, accumulate: false);
            MatrixSums.Transpose(
                rows, _layer.OutChannels, _places, _layer.OutChannels, microBatch.Pointer(_y, image),
                accumulate: false);
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        float* rows = Rows(microBatch);
        for (int image = 0; image < microBatch.Images; image++)
        {
            MatrixSums.Transpose(
                microBatch.Pointer(_yGradient, image), _places, _layer.OutChannels, _places, rows, accumulate: false);
            if (!_isFrozen)
                AddParameterGradients(microBatch, image, rows);
            if (_xGradient is { } target)
                FoldBack(microBatch, image, target);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _weights.Dispose();
        _transposed.Dispose();
    }

    private float* Rows(MicroBatch microBatch) => microBatch.Scratch + (_places * PatchLength);

    private void Unfold(MicroBatch microBatch, int image)
    {
        Im2Col.Run(
            microBatch.Pointer(_x, image), _layer.InChannels, _height, _width, _layer.KernelSize, _layer.Stride,
            _layer.Padding, microBatch.Scratch, PatchLength);
    }

    private void AddParameterGradients(MicroBatch microBatch, int image, float* rows)
    {
        Unfold(microBatch, image);
        float* panel = rows + (_places * _layer.OutChannels);
        FloatGemm.AddTransposed(
            rows, _layer.OutChannels, microBatch.Scratch, PatchLength, _places, _layer.OutChannels, PatchLength,
                microBatch.Gradient(_weight), panel);
        if (_bias is not null)
            RowSums.AddColumns(rows, _layer.OutChannels, _places, _layer.OutChannels, microBatch.Gradient(_bias));
    }

    /// <summary>The gradient of the unfolded rows takes their place.</summary>
    private void FoldBack(MicroBatch microBatch, int image, GradientTarget target)
    {
        FloatGemm.Run(
            _transposed, Rows(microBatch), _layer.OutChannels, microBatch.Scratch, PatchLength, 0, _places,
            accumulate: false);
        float* x = microBatch.Pointer(target.Matrix, image);
        if (!target.Accumulate)
            new Span<float>(x, InputLength).Clear();
        Im2Col.AddBack(
            microBatch.Scratch, PatchLength, _layer.InChannels, _height, _width, _layer.KernelSize, _layer.Stride,
            _layer.Padding, x);
    }
}
