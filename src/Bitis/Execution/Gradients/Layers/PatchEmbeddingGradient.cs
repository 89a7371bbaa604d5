using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Matrices;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>The convolution that turns the image into tokens, forward and backward.</summary>
/// <remarks>
/// It includes the change of layout after the convolution. Pixels are unfolded to patches, and the rest is a linear
/// layer. The image's own gradient is not computed.
/// </remarks>
internal sealed unsafe class PatchEmbeddingGradient(Node convolution, Node tokens) : OperationGradient, IDisposable
{
    private readonly Conv2d _layer = (Conv2d)convolution.Operator;
    private readonly int _height = convolution.Inputs[0].Shape[1], _width = convolution.Inputs[0].Shape[2];
    private PackedFloatWeights _weights = null!;
    private ParameterSlot _weight = null!;
    private ParameterSlot? _bias;
    private ArenaMatrix _x, _patches, _y, _yGradient;

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    private int PatchLength => _layer.InChannels * _layer.KernelSize * _layer.KernelSize;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weights = new PackedFloatWeights(_layer.OutChannels, PatchLength);
        _weight = planner.Parameter(convolution, 0);
        _bias = _layer.HasBias ? planner.Parameter(convolution, 1) : null;
        _x = planner.Value(convolution.Inputs[0]);
        _y = planner.NewValue(tokens);
        _patches = planner.NewMatrix(_y.Rows, PatchLength);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Keep(_patches);
        planner.NeedScratch(FloatGemm.TransposedScratch(planner.Images * _y.Rows));
        _yGradient = planner.Gradient(tokens);
    }

    /// <inheritdoc />
    public override void Prepare() => _weights.Pack(_weight.Weight.Span, _bias is null ? default : _bias.Weight.Span);

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            Im2Col.Run(
                microBatch.Pointer(_x, image), _layer.InChannels, _height, _width, _layer.KernelSize, _layer.Stride,
                    _layer.Padding, microBatch.Pointer(_patches, image), _patches.Stride);
        }
        FloatGemm.Run(
            _weights, microBatch.Pointer(_patches), _patches.Stride, microBatch.Pointer(_y), _y.Stride, 0,
                microBatch.Rows(_y), accumulate: false);
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        int rows = microBatch.Rows(_y);
        float* y = microBatch.Pointer(_yGradient);
        FloatGemm.AddTransposed(
            y, _yGradient.Stride, microBatch.Pointer(_patches), _patches.Stride, rows, _layer.OutChannels, PatchLength,
                microBatch.Gradient(_weight), microBatch.Scratch);
        if (_bias is not null)
            RowSums.AddColumns(y, _yGradient.Stride, rows, _layer.OutChannels, microBatch.Gradient(_bias));
    }

    /// <inheritdoc />
    public void Dispose() => _weights.Dispose();
}
