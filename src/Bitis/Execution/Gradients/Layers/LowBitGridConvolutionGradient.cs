using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Simd;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>A convolution over a grid of tokens with an approximated backward pass, image by image.</summary>
/// <remarks>
/// With the tokens under the kernel side by side, the convolution is a linear layer. Its tokens are the places of the
/// output (<see cref="LowBitLinearGradient"/>). The grid is kept, rounded to 8 or 4 bits with a scale for each image.
/// Rows of tokens under the kernel would be K² times as many. Even at 8 bits and half the tokens, they would take more
/// memory than the grid in float32. Neither integer product makes such rows. W̄ gathers the tokens of each tap
/// (<see cref="WeightGradientProduct"/>). x̄ adds up each tap's product where its tokens lie
/// (<see cref="ConvolutionInputGradient"/>).
/// </remarks>
internal sealed unsafe class LowBitGridConvolutionGradient(
    Node node, BackwardMethod method, BackwardPolicy policy) : GridConvolutionGradientBase(node)
{
    private readonly int _bits = policy.BitsOfInput(method, node.Operator);
    private TokenBlocks _blocks = null!;
    private InputGradientProduct _inputProduct = null!;
    private ConvolutionInputGradient? _folding;
    private WeightGradientProduct? _weightProduct;
    private CompressedInput? _kept;

    private int InputLength => Layer.Height * Layer.Width * Layer.InChannels;

    /// <summary>A scale, then the levels.</summary>
    private int KeptBytesOfImage => sizeof(float) + (_bits == 4 ? (InputLength + 1) / 2 : InputLength);

    /// <summary>
    /// The scratch memory of the products, behind the rows of tokens under the kernel that they read.
    /// </summary>
    private int PatchesScratch => ScratchSpace.Length((long)Places * PatchLength * sizeof(float));

    /// <summary>
    /// What <see cref="WeightGradientProduct.Keep"/> writes. It is needed only while the operation runs.
    /// </summary>
    private int KeptRowsScratch => ScratchSpace.Length(_weightProduct?.KeptBytes(images: 1) ?? 0);

    /// <inheritdoc />
    public override bool KeepsCompressedInput => true;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        base.PlanForward(planner);
        _blocks = policy.BlocksOf(method, GridLayout.Grid(Layer.OutHeight, Layer.OutWidth), images: 1);
        int taps = Layer.KernelSize * Layer.KernelSize;
        _inputProduct = new InputGradientProduct(
            policy.InputArithmetic(method, isSummand: false), policy.Scale, _blocks, Layer.OutChannels,
            PatchLength, Places, images: 1, parts: taps);
        _folding = method.Input.IsInteger ? new ConvolutionInputGradient(Layer, _inputProduct) : null;
        if (!method.Weight.IsExact && !IsFrozen)
        {
            TokenBlocks[] seen = [.. Enumerable.Range(0, taps).Select(tap => _blocks.Seen(Layer, tap))];
            _weightProduct = new WeightGradientProduct(
                method.Weight, Math.Max(_bits, method.Weight.Bits), _blocks, policy.Basis, Layer.OutChannels,
                PatchLength, images: 1, seen);
        }
        if (method.Weight.IsInteger && !IsFrozen)
            _kept = planner.ShareCompressedInput(Node, X, (long)KeptBytesOfImage * planner.Images);
        planner.NeedScratch(
            PatchesScratch + Math.Max(FloatGemm.TransposedScratch(Places), _inputProduct.ScratchLength));
        planner.NeedScratch(
            ScratchSpace.Length((long)InputLength * sizeof(float)) + KeptRowsScratch + (
                _weightProduct?.ScratchLength ?? 0));
        planner.NeedScratch(_folding?.ScratchLength ?? 0);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        base.PlanBackward(planner);
        if (_kept is null && !IsFrozen)
            planner.KeepInput(Node, X);
        _kept?.NeedAt(planner.Time);
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        base.Dispose();
        _blocks.Dispose();
        _inputProduct.Dispose();
        _folding?.Dispose();
        _weightProduct?.Dispose();
    }

    /// <inheritdoc />
    protected override void PrepareProduct(ReadOnlySpan<float> weights) => _inputProduct.Prepare(weights);

    /// <inheritdoc />
    protected override void KeepInput(MicroBatch microBatch, int image)
    {
        if (_kept is { IsCompressed: true } && _kept.Writer == Node)
            QuantizedMap.Write(microBatch.Pointer(X, image), InputLength, _bits, Kept(microBatch, image));
    }

    /// <inheritdoc />
    protected override void AddWeightGradient(MicroBatch microBatch, int image, float* y)
    {
        if (_weightProduct is null)
        {
            AddFloatWeightGradient(microBatch, image, y, panelStart: PatchesScratch);
            return;
        }
        float* x = microBatch.Pointer(X, image), scratch = microBatch.Scratch;
        if (_kept is { IsCompressed: true })
        {
            x = scratch;
            scratch += ScratchSpace.Length((long)InputLength * sizeof(float));
            QuantizedMap.Read(Kept(microBatch, image), InputLength, _bits, x);
            OperationTimes.EndPhase("W̄ read kept");
        }
        var rows = (byte*)scratch;
        scratch += KeptRowsScratch;
        _weightProduct.Keep(x, Layer.InChannels, images: 1, rows, scratch, key: 0);
        _weightProduct.Add(
            rows, y, YGradient.Stride, images: 1, microBatch.Gradient(Weight), scratch,
            Key(microBatch, image, product: 0));
    }

    /// <inheritdoc />
    protected override void WriteInputGradient(
        MicroBatch microBatch, int image, float* y, float* x, GradientTarget target)
    {
        uint key = Key(microBatch, image, product: 1);
        if (_folding is not null)
        {
            _folding.Run(y, YGradient.Stride, x, target.Matrix.Stride, target.Accumulate, microBatch.Scratch, key);
            return;
        }
        _inputProduct.Run(
            y, YGradient.Stride, images: 1, microBatch.Scratch, PatchLength, accumulate: false,
            microBatch.Scratch + PatchesScratch, key);
        ClearInputGradient(x, target);
        FoldBack(microBatch, x, target, 0, Places);
    }

    private byte* Kept(MicroBatch microBatch, int image) =>
        microBatch.Bytes(_kept!.Block) + ((nint)image * KeptBytesOfImage);

    /// <summary>The key of the random numbers of one of an image's two products.</summary>
    private uint Key(MicroBatch microBatch, int image, uint product) =>
        CounterRandom.Key(CounterRandom.Key(CounterRandom.Key(microBatch.Key, (uint)Node.Index), (uint)image), product);
}
