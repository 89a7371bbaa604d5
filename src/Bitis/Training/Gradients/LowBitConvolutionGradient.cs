using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Runtime;
using Bitis.Runtime.Kernels;

namespace Bitis.Training.Gradients;

/// <summary>
/// A convolution between maps whose reverse pass is approximated, image by image: unfolded to rows, it is a linear layer whose tokens are the
/// places of the output (<see cref="LowBitLinearGradient"/>). What is kept is the input before unfolding, rounded to 8 or 4 bits with a scale for each
/// image: unfolded rows would be K² times as many, more than the map itself in float32 even at 8 bits and half the tokens.
/// </summary>
internal sealed unsafe class LowBitConvolutionGradient(Node node, BackwardMethod method, BackwardPolicy policy) : GradientStep, IDisposable
{
    private readonly Conv2d _layer = (Conv2d)node.Operator;
    private readonly int _height = node.Inputs[0].Shape[1], _width = node.Inputs[0].Shape[2], _places = node.Shape[1] * node.Shape[2];
    private readonly int _bits = policy.BitsOfInput(method);
    private PackedFloatWeights _weights = null!;
    private TokenBlocks _blocks = null!;
    private InputGradientProduct _inputProduct = null!;
    private WeightGradientProduct? _weightProduct;
    private ParameterSlot _weight = null!;
    private ParameterSlot? _bias;
    private ArenaMatrix _x, _y, _yGradient;
    private CompressedInput? _kept;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    private int PatchLength => _layer.InChannels * _layer.Kernel * _layer.Kernel;

    private int InputLength => _layer.InChannels * _height * _width;

    /// <summary>The unfolded input and the rows of the output, with which scratch memory starts.</summary>
    private long RowsBytes => (long)_places * (PatchLength + _layer.OutChannels) * sizeof(float);

    /// <summary>A scale, then the levels.</summary>
    private int KeptBytesOfImage => sizeof(float) + (_bits == 4 ? (InputLength + 1) / 2 : InputLength);

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weights = new PackedFloatWeights(_layer.OutChannels, PatchLength);
        _weight = planner.Parameter(node, 0);
        _bias = _layer.HasBias ? planner.Parameter(node, 1) : null;
        _x = planner.Value(node.Inputs[0]);
        _y = planner.NewValue(node);
        _blocks = policy.BlocksOf(method, TokenLayout.Grid(node.Shape[1], node.Shape[2]), images: 1);
        _inputProduct = new InputGradientProduct(method.Input, policy.Scale, _blocks, _layer.OutChannels, PatchLength, _places, images: 1);
        if (!method.Weight.IsExact)
            _weightProduct = new WeightGradientProduct(method.Weight, _bits, _blocks, policy.Basis, _layer.OutChannels, PatchLength, images: 1);
        if (method.Weight.IsInteger)
            _kept = planner.CompressInput(node, _x, (long)KeptBytesOfImage * planner.Images);
        int products = Math.Max(_inputProduct.ScratchLength, KeptRowsScratch + (_weightProduct?.ScratchLength ?? FloatGemm.TransposedScratch(_places)));
        planner.NeedScratch(ScratchSpace.Length(RowsBytes) + Math.Max(InputLength, products));
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        if (_kept is null)
            planner.KeepInput(node, planner.Value(node.Inputs[0]));
        _kept?.NeedAt(planner.Time);
        _yGradient = planner.Gradient(node);
        _xGradient = planner.Target(node.Inputs[0])!.Value;
    }

    /// <inheritdoc />
    public override void Prepare()
    {
        _weights.Pack(_weight.Weight.Span, _bias is null ? default : _bias.Weight.Span);
        _inputProduct.Prepare(_weight.Weight.Span);
    }

    /// <inheritdoc />
    public override void Forward(GradientLane lane)
    {
        float* rows = Rows(lane);
        for (int image = 0; image < lane.Images; image++)
        {
            float* x = lane.Pointer(_x, image);
            Unfold(lane, x);
            FloatGemm.Run(_weights, lane.Scratch, PatchLength, rows, _layer.OutChannels, 0, _places, accumulate: false);
            MatrixSums.Transpose(rows, _places, _layer.OutChannels, lane.Pointer(_y, image), accumulate: false);
            if (_kept is { IsCompressed: true })
                QuantizedMap.Write(x, InputLength, _bits, lane.Bytes(_kept.Block) + ((nint)image * KeptBytesOfImage));
        }
    }

    /// <inheritdoc />
    public override void Backward(GradientLane lane)
    {
        float* rows = Rows(lane), scratch = lane.Scratch + ScratchSpace.Length(RowsBytes);
        for (int image = 0; image < lane.Images; image++)
        {
            uint key = CounterRandom.Key(CounterRandom.Key(lane.Key, (uint)node.Index), (uint)image);
            MatrixSums.Transpose(lane.Pointer(_yGradient, image), _layer.OutChannels, _places, rows, accumulate: false);
            if (_kept is { IsCompressed: true })
                QuantizedMap.Read(lane.Bytes(_kept.Block) + ((nint)image * KeptBytesOfImage), InputLength, _bits, scratch);
            Unfold(lane, _kept is { IsCompressed: true } ? scratch : lane.Pointer(_x, image));
            AddWeightGradient(lane, rows, scratch, CounterRandom.Key(key, 0));
            if (_bias is not null)
                MatrixSums.AddColumns(rows, _layer.OutChannels, _places, _layer.OutChannels, lane.Gradient(_bias));
            FoldBack(lane, image, rows, scratch, CounterRandom.Key(key, 1));
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

    /// <summary>What <see cref="WeightGradientProduct.Keep"/> writes, in elements of scratch memory: here for the length of the step only.</summary>
    private int KeptRowsScratch => ScratchSpace.Length(_weightProduct?.KeptBytes(images: 1) ?? 0);

    private float* Rows(GradientLane lane) => lane.Scratch + (_places * PatchLength);

    private void Unfold(GradientLane lane, float* x) =>
        Im2Col.Run(x, _layer.InChannels, _height, _width, _layer.Kernel, _layer.Stride, _layer.Padding, lane.Scratch, PatchLength);

    private void AddWeightGradient(GradientLane lane, float* rows, float* scratch, uint key)
    {
        if (_weightProduct is null)
        {
            FloatGemm.AddTransposed(
                rows, _layer.OutChannels, lane.Scratch, PatchLength, _places, _layer.OutChannels, PatchLength, lane.Gradient(_weight), scratch);
            return;
        }
        var kept = (byte*)scratch;
        scratch += KeptRowsScratch;
        _weightProduct.Keep(lane.Scratch, PatchLength, images: 1, kept, scratch);
        _weightProduct.Add(kept, rows, _layer.OutChannels, images: 1, lane.Gradient(_weight), scratch, key);
    }

    /// <summary>The gradient of the unfolded rows takes their place.</summary>
    private void FoldBack(GradientLane lane, int image, float* rows, float* scratch, uint key)
    {
        _inputProduct.Run(rows, _layer.OutChannels, images: 1, lane.Scratch, PatchLength, accumulate: false, scratch, key);
        float* x = lane.Pointer(_xGradient.Matrix, image);
        if (!_xGradient.Accumulate)
            new Span<float>(x, InputLength).Clear();
        Im2Col.AddBack(lane.Scratch, PatchLength, _layer.InChannels, _height, _width, _layer.Kernel, _layer.Stride, _layer.Padding, x);
    }
}
