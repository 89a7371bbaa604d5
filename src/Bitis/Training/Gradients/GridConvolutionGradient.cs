using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using Bitis.Runtime.Kernels;
using Bitis.Tensors;

namespace Bitis.Training.Gradients;

/// <summary>
/// A convolution over a grid of tokens: the tokens under the kernel are put side by side (<see cref="GridPatches"/>), the rest is a
/// linear layer. The reverse pass does so again instead of keeping the rows, and adds their gradients up where they overlap.
/// </summary>
internal sealed unsafe class GridConvolutionGradient : GradientStep, IDisposable
{
    private readonly Node _node;
    private readonly GridConv2d _layer;
    private readonly Tensor _packed; // [out, kernel²·in]
    private readonly int _places, _patch;
    private PackedFloatWeights _weights = null!, _transposed = null!;
    private ParameterSlot _weight = null!, _bias = null!;
    private ArenaMatrix _x, _y, _yGradient;
    private bool _isFrozen;
    private GradientTarget? _xGradient;

    /// <summary>Creates the step.</summary>
    public GridConvolutionGradient(Node node)
    {
        _node = node;
        _layer = (GridConv2d)node.Operator;
        _places = node.Shape[0];
        _patch = GridPatches.Length(_layer);
        _packed = new Tensor([_layer.OutChannels, _patch]);
    }

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weights = new PackedFloatWeights(_layer.OutChannels, _patch);
        _transposed = new PackedFloatWeights(_patch, _layer.OutChannels);
        _weight = planner.Parameter(_node, 0);
        _bias = planner.Parameter(_node, 1);
        _x = planner.Value(_node.Inputs[0]);
        if (_x.IsReversed)
            throw new NotSupportedException($"The input of '{_node.Name}' lies in reverse.");
        _y = planner.NewValue(_node);
        planner.NeedScratch((_places * _patch) + FloatGemm.TransposedScratch(_places));
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        _isFrozen = planner.IsFrozen(_node);
        if (!_isFrozen)
            planner.KeepInput(_node, planner.Value(_node.Inputs[0]));
        _yGradient = planner.Gradient(_node);
        _xGradient = planner.Target(_node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Prepare()
    {
        GridPatches.PackWeights(_layer, _weight.Weight.Span, _packed.Span);
        _weights.Pack(_packed.Span, _bias.Weight.Span);
        _transposed.PackTransposed(_packed.Span);
    }

    /// <inheritdoc />
    public override void Forward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            GridPatches.Unfold(_layer, lane.Pointer(_x, image), _x.Stride, lane.Scratch, _patch, 0, _places);
            FloatGemm.Run(_weights, lane.Scratch, _patch, lane.Pointer(_y, image), _y.Stride, 0, _places, accumulate: false);
        }
    }

    /// <inheritdoc />
    public override void Backward(GradientLane lane)
    {
        float* patches = lane.Scratch, panel = lane.Scratch + (_places * _patch);
        for (int image = 0; image < lane.Images; image++)
        {
            float* y = lane.Pointer(_yGradient, image);
            if (!_isFrozen)
            {
                GridPatches.Unfold(_layer, lane.Pointer(_x, image), _x.Stride, patches, _patch, 0, _places);
                FloatGemm.AddTransposed(
                    y, _yGradient.Stride, patches, _patch, _places, _layer.OutChannels, _patch, lane.Gradient(_weight), panel);
            }
            if (_xGradient is { } target)
                FoldBack(lane, image, y, target);
        }
        if (!_isFrozen)
            MatrixSums.AddColumns(lane.Pointer(_yGradient), _yGradient.Stride, lane.Rows(_y), _layer.OutChannels, lane.Gradient(_bias));
    }

    /// <inheritdoc />
    public override void Finish()
    {
        Tensor packed = _weight.Gradient.Clone();
        GridPatches.UnpackWeights(_layer, packed.Span, _weight.Gradient.Span);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _weights.Dispose();
        _transposed.Dispose();
    }

    /// <summary>The gradient of the tokens under the kernel takes their place.</summary>
    private void FoldBack(GradientLane lane, int image, float* y, GradientTarget target)
    {
        float* patches = lane.Scratch, x = lane.Pointer(target.Matrix, image);
        nint stride = target.Matrix.Stride;
        FloatGemm.Run(_transposed, y, _yGradient.Stride, patches, _patch, 0, _places, accumulate: false);
        for (int token = 0; !target.Accumulate && token < _x.Rows; token++)
            new Span<float>(x + (token * stride), _layer.InChannels).Clear();
        GridPatches.AddBack(_layer, patches, x, stride);
    }
}
