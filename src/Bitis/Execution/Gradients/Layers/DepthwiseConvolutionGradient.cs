using Bitis.Execution.Operations.Convolutions;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Tensors;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>
/// A depthwise convolution over a grid of tokens and, where there is one, the SiLU after it; see
/// <see cref="DepthwiseConvGradient"/>.
/// </summary>
/// <remarks>The sum between them is not kept.</remarks>
internal sealed unsafe class DepthwiseConvolutionGradient : OperationGradient
{
    private readonly Node _convolution;
    private readonly Node _output;
    private readonly DepthwiseConv2d _layer;
    private readonly FloatTensor _packed; // [kernel², channels]
    private ParameterSlot _weight = null!;
    private ParameterSlot? _bias;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <summary>Creates the operation.</summary>
    public DepthwiseConvolutionGradient(FusedConvolution fused)
    {
        (_convolution, _output) = (fused.Convolution, fused.Output);
        _layer = (DepthwiseConv2d)_convolution.Operator;
        _packed = new FloatTensor([_layer.KernelSize * _layer.KernelSize, _layer.Channels]);
    }

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weight = planner.Parameter(
            _convolution, 0, (packed, gradient) => MatrixSums.Transpose(packed, _layer.Channels, gradient));
        _bias = _layer.HasBias ? planner.Parameter(_convolution, 1) : null;
        _x = planner.Value(_convolution.Inputs[0]);
        _y = planner.NewValue(_output);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(_convolution.Inputs[0]);
        planner.NeedScratch(DepthwiseConvGradient.ScratchLength(_x.Rows));
        _yGradient = planner.Gradient(_output);
        _xGradient = planner.RequiredTarget(_convolution.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Prepare() =>
        CausalConv.PackWeights(_weight.Weight.Span, _packed.Span, _layer.Channels, _packed.Shape[0]);

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            DepthwiseConvCall call = Call(microBatch, image);
            DepthwiseConv.Run(in call, 0, _layer.Channels);
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            var call = new DepthwiseConvGradientCall
            {
                Forward = Call(microBatch, image),
                Gradients = microBatch.Gradients(_yGradient, _xGradient, _weight, _bias, image),
                Scratch = microBatch.Scratch,
            };
            DepthwiseConvGradient.Run(in call, 0, _layer.Channels);
        }
    }

    private DepthwiseConvCall Call(MicroBatch microBatch, int image) => DepthwiseConvolutionOperation.Call(
        microBatch.Addresses, _layer, _x.OfImage(image), _y.OfImage(image), sumsOnly: _output == _convolution,
            _packed.Pointer, _bias?.Weight);
}
