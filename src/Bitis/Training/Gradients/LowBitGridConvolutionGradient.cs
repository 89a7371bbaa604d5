using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using Bitis.Runtime.Kernels;
using Bitis.Tensors;

namespace Bitis.Training.Gradients;

/// <summary>
/// A convolution over a grid of tokens whose reverse pass is approximated, image by image: with the tokens under the kernel side by side, it is a
/// linear layer whose tokens are the places of the output (<see cref="LowBitLinearGradient"/>). What is kept is the grid, rounded to 8 or 4 bits with a
/// scale for each image: rows of what the kernel sees would be K² times as many, more than the grid itself in float32 even at 8 bits and half the
/// tokens. Neither product makes such rows: W̄ gathers the tokens of each tap (<see cref="WeightGradientProduct"/>), and x̄ adds up each tap's
/// product where its tokens lie (<see cref="GridInputGradient"/>).
/// </summary>
internal sealed unsafe class LowBitGridConvolutionGradient : GradientStep, IDisposable
{
    private readonly Node _node;
    private readonly GridConv2d _layer;
    private readonly BackwardMethod _method;
    private readonly BackwardPolicy _policy;
    private readonly Tensor _packed; // [out, kernel²·in]
    private readonly int _places, _patch, _tokens, _bits;
    private PackedFloatWeights _weights = null!;
    private TokenBlocks _blocks = null!;
    private InputGradientProduct _inputProduct = null!;
    private GridInputGradient? _folding;
    private WeightGradientProduct? _weightProduct;
    private ParameterSlot _weight = null!, _bias = null!;
    private ArenaMatrix _x, _y, _yGradient;
    private CompressedInput? _kept;
    private bool _isFrozen;
    private GradientTarget? _xGradient;

    /// <summary>Creates the step.</summary>
    public LowBitGridConvolutionGradient(Node node, BackwardMethod method, BackwardPolicy policy)
    {
        (_node, _method, _policy, _layer) = (node, method, policy, (GridConv2d)node.Operator);
        (_places, _patch, _tokens) = (node.Shape[0], GridPatches.Length(_layer), _layer.Height * _layer.Width);
        _bits = policy.BitsOfInput(method);
        _packed = new Tensor([_layer.OutChannels, _patch]);
    }

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    private int InputLength => _tokens * _layer.InChannels;

    /// <summary>A scale, then the levels.</summary>
    private int KeptBytesOfImage => sizeof(float) + (_bits == 4 ? (InputLength + 1) / 2 : InputLength);

    /// <summary>The rows of what the kernel sees, for the products that take them; and in the forward pass.</summary>
    private int PatchesScratch => ScratchSpace.Length((long)_places * _patch * sizeof(float));

    /// <summary>What <see cref="WeightGradientProduct.Keep"/> writes: here for the length of the step only.</summary>
    private int KeptRowsScratch => ScratchSpace.Length(_weightProduct?.KeptBytes(images: 1) ?? 0);

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weights = new PackedFloatWeights(_layer.OutChannels, _patch);
        _weight = planner.Parameter(_node, 0);
        _bias = planner.Parameter(_node, 1);
        _x = planner.Value(_node.Inputs[0]);
        if (_x.IsReversed || _x.Stride != _layer.InChannels)
            throw new NotSupportedException($"The input of '{_node.Name}' lies in reverse, or is a slice.");
        _y = planner.NewValue(_node);
        _isFrozen = planner.IsFrozen(_node);
        _blocks = _policy.BlocksOf(_method, TokenLayout.Grid(_layer.OutHeight, _layer.OutWidth), images: 1);
        int taps = _layer.Kernel * _layer.Kernel;
        _inputProduct = new InputGradientProduct(_method.Input, _policy.Scale, _blocks, _layer.OutChannels, _patch, _places, images: 1, parts: taps);
        _folding = _method.Input.IsInteger ? new GridInputGradient(_layer, _inputProduct) : null;
        if (!_method.Weight.IsExact && !_isFrozen)
        {
            TokenBlocks[] seen = [.. Enumerable.Range(0, taps).Select(tap => _blocks.Seen(_layer, tap))];
            _weightProduct = new WeightGradientProduct(_method.Weight, _bits, _blocks, _policy.Basis, _layer.OutChannels, _patch, images: 1, seen);
        }
        if (_method.Weight.IsInteger && !_isFrozen)
            _kept = planner.CompressInput(_node, _x, (long)KeptBytesOfImage * planner.Images);
        planner.NeedScratch(Math.Max(
            PatchesScratch + Math.Max(FloatGemm.TransposedScratch(_places), _inputProduct.ScratchLength),
            Math.Max(
                ScratchSpace.Length((long)InputLength * sizeof(float)) + KeptRowsScratch + (_weightProduct?.ScratchLength ?? 0),
                _folding?.ScratchLength ?? 0)));
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        if (_kept is null && !_isFrozen)
            planner.KeepInput(_node, planner.Value(_node.Inputs[0]));
        _kept?.NeedAt(planner.Time);
        _yGradient = planner.Gradient(_node);
        _xGradient = planner.Target(_node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Prepare()
    {
        GridPatches.PackWeights(_layer, _weight.Weight.Span, _packed.Span);
        _weights.Pack(_packed.Span, _bias.Weight.Span);
        _inputProduct.Prepare(_packed.Span);
    }

    /// <inheritdoc />
    public override void Forward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            float* x = lane.Pointer(_x, image);
            GridPatches.Unfold(_layer, x, _x.Stride, lane.Scratch, _patch, 0, _places);
            FloatGemm.Run(_weights, lane.Scratch, _patch, lane.Pointer(_y, image), _y.Stride, 0, _places, accumulate: false);
            if (_kept is { IsCompressed: true })
                QuantizedMap.Write(x, InputLength, _bits, lane.Bytes(_kept.Block) + ((nint)image * KeptBytesOfImage));
        }
    }

    /// <inheritdoc />
    public override void Backward(GradientLane lane)
    {
        for (int image = 0; image < lane.Images; image++)
        {
            uint key = CounterRandom.Key(CounterRandom.Key(lane.Key, (uint)_node.Index), (uint)image);
            float* y = lane.Pointer(_yGradient, image);
            if (!_isFrozen)
                AddWeightGradient(lane, image, y, CounterRandom.Key(key, 0));
            if (_xGradient is { } target)
                WriteInputGradient(lane, image, y, target, CounterRandom.Key(key, 1));
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
        _blocks.Dispose();
        _inputProduct.Dispose();
        _folding?.Dispose();
        _weightProduct?.Dispose();
    }

    private void AddWeightGradient(GradientLane lane, int image, float* y, uint key)
    {
        float* x = lane.Pointer(_x, image), scratch = lane.Scratch;
        if (_weightProduct is null)
        {
            GridPatches.Unfold(_layer, x, _x.Stride, scratch, _patch, 0, _places);
            FloatGemm.AddTransposed(
                y, _yGradient.Stride, scratch, _patch, _places, _layer.OutChannels, _patch, lane.Gradient(_weight), scratch + PatchesScratch);
            return;
        }
        if (_kept is { IsCompressed: true })
        {
            x = scratch;
            scratch += ScratchSpace.Length((long)InputLength * sizeof(float));
            QuantizedMap.Read(lane.Bytes(_kept.Block) + ((nint)image * KeptBytesOfImage), InputLength, _bits, x);
        }
        var kept = (byte*)scratch;
        scratch += KeptRowsScratch;
        _weightProduct.Keep(x, _layer.InChannels, images: 1, kept, scratch);
        _weightProduct.Add(kept, y, _yGradient.Stride, images: 1, lane.Gradient(_weight), scratch, key);
    }

    private void WriteInputGradient(GradientLane lane, int image, float* y, GradientTarget target, uint key)
    {
        float* x = lane.Pointer(target.Matrix, image), scratch = lane.Scratch;
        nint stride = target.Matrix.Stride;
        if (_folding is not null)
        {
            _folding.Run(y, _yGradient.Stride, x, stride, target.Accumulate, scratch, key);
            return;
        }
        _inputProduct.Run(y, _yGradient.Stride, images: 1, scratch, _patch, accumulate: false, scratch + PatchesScratch, key);
        for (int token = 0; !target.Accumulate && token < _tokens; token++)
            new Span<float>(x + (token * stride), _layer.InChannels).Clear();
        GridPatches.AddBack(_layer, scratch, x, stride);
    }
}
