using Bitis.Execution.Operations.Convolutions;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>
/// The causal convolution and, where there is one, the SiLU after it; see <see cref="CausalConvGradient"/>.
/// </summary>
/// <remarks>The sum between them is not kept. Sequences that lie in reverse are convolved in reverse.</remarks>
internal sealed unsafe class CausalConvolutionGradient : OperationGradient
{
    private readonly Node _convolution;
    private readonly Node _output;
    private readonly CausalConv1d _layer;
    private readonly FloatTensor _packed;
    private ParameterSlot _weight = null!;
    private ParameterSlot _bias = null!;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <summary>Creates the operation.</summary>
    public CausalConvolutionGradient(FusedConvolution fused)
    {
        (_convolution, _output) = (fused.Convolution, fused.Output);
        _layer = (CausalConv1d)_convolution.Operator;
        _packed = new FloatTensor([_layer.KernelSize, _layer.Channels]);
    }

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weight = planner.Parameter(
            _convolution, 0, (packed, gradient) => MatrixSums.Transpose(packed, _layer.Channels, gradient));
        _bias = planner.Parameter(_convolution, 1);
        _x = planner.Value(_convolution.Inputs[0]);
        _y = planner.NewRecomputableValue(_output, _x, this);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(_convolution.Inputs[0]);
        planner.NeedScratch(_x.Rows * _x.Columns);
        _yGradient = planner.Gradient(_output);
        _xGradient = planner.RequiredTarget(_convolution.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Prepare() =>
        CausalConv.PackWeights(_weight.Weight.Span, _packed.Span, _layer.Channels, _layer.KernelSize);

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
            Recompute(microBatch, image, _y.OfImage(image));
    }

    /// <inheritdoc />
    public override void Recompute(MicroBatch microBatch, int image, ArenaMatrix place)
    {
        CausalConvCall call = Call(microBatch, place, image);
        CausalConv.Run(in call, 0, _layer.Channels);
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            var call = new CausalConvGradientCall
            {
                Forward = Call(microBatch, _y.OfImage(image), image),
                Gradients = microBatch.Gradients(_yGradient, _xGradient, _weight, _bias, image),
                Sums = microBatch.Scratch,
            };
            CausalConvGradient.Run(in call, 0, _layer.Channels);
        }
    }

    private CausalConvCall Call(MicroBatch microBatch, ArenaMatrix y, int image) => CausalConvolutionOperation.Call(
        microBatch.Addresses, _x.OfImage(image), y, _layer.KernelSize, sumsOnly: _output == _convolution,
            _packed.Pointer, _bias.Weight);
}
