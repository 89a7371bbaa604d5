using System.Buffers;
using Bitis.Execution.Compiled.Convolutions;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Matrices;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>The common part of convolutions over a grid of tokens, forward and backward.</summary>
/// <remarks>
/// The tokens under the kernel are put side by side (<see cref="GridPatches"/>), and the rest is a linear layer.
/// Derived classes decide how the two products of the backward pass are computed and what is kept for them.
/// </remarks>
internal abstract unsafe class GridConvolutionGradientBase : OperationGradient, IDisposable
{
    private PackedFloatWeights _weights = null!;
    private ParameterSlot _bias = null!;

    /// <summary>Creates the operation of a node.</summary>
    protected GridConvolutionGradientBase(Node node)
    {
        Node = node;
        Layer = (GridConv2d)node.Operator;
        Places = node.Shape[0];
        PatchLength = GridPatches.Length(Layer);
    }

    /// <inheritdoc />
    public override string Kind => Layer.Kind;

    /// <summary>The node.</summary>
    protected Node Node { get; }

    /// <summary>The convolution.</summary>
    protected GridConv2d Layer { get; }

    /// <summary>The tokens of the output.</summary>
    protected int Places { get; }

    /// <summary>The channels of all tokens under the kernel.</summary>
    protected int PatchLength { get; }

    /// <summary>Whether the weights do not learn.</summary>
    protected bool IsFrozen { get; private set; }

    /// <summary>
    /// The weights, whose gradient has the order of the packed ones, <c>[out, kernel²·in]</c>, until all micro-batches
    /// ran.
    /// </summary>
    protected ParameterSlot Weight { get; private set; } = null!;

    /// <summary>The input.</summary>
    protected ArenaMatrix X { get; private set; }

    /// <summary>ȳ.</summary>
    protected ArenaMatrix YGradient { get; private set; }

    private ArenaMatrix Y { get; set; }

    private GradientTarget? XGradient { get; set; }

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _weights = new PackedFloatWeights(Layer.OutChannels, PatchLength);
        Weight = planner.Parameter(Node, 0, Unpack);
        _bias = planner.Parameter(Node, 1);
        IsFrozen = planner.IsFrozen(Node);
        X = planner.ContiguousValue(Node.Inputs[0]);
        Y = planner.NewValue(Node);
        planner.NeedScratch(Places * PatchLength);
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        YGradient = planner.Gradient(Node);
        XGradient = planner.Target(Node.Inputs[0]);
    }

    /// <inheritdoc />
    public sealed override void Prepare()
    {
        ReadOnlySpan<float> weights = Weight.Weight.Span;
        float[] memory = ArrayPool<float>.Shared.Rent(weights.Length);
        Span<float> packed = memory.AsSpan(0, weights.Length); // [out, kernel²·in]
        GridPatches.PackWeights(Layer, weights, packed);
        _weights.Pack(packed, _bias.Weight.Span);
        PrepareProduct(packed);
        ArrayPool<float>.Shared.Return(memory);
    }

    /// <inheritdoc />
    public sealed override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            Unfold(microBatch, image);
            FloatGemm.Run(
                _weights, microBatch.Scratch, PatchLength, microBatch.Pointer(Y, image), Y.Stride, 0, Places,
                accumulate: false);
            KeepInput(microBatch, image);
        }
    }

    /// <inheritdoc />
    public sealed override void Backward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            float* y = microBatch.Pointer(YGradient, image);
            if (!IsFrozen)
                AddWeightGradient(microBatch, image, y);
            if (XGradient is { } target)
                WriteInputGradient(microBatch, image, y, microBatch.Pointer(target.Matrix, image), target);
        }
        if (!IsFrozen)
        {
            RowSums.AddColumns(
                microBatch.Pointer(YGradient), YGradient.Stride, microBatch.Rows(Y), Layer.OutChannels,
                microBatch.Gradient(_bias));
        }
    }

    /// <inheritdoc />
    public virtual void Dispose() => _weights.Dispose();

    /// <summary>Brings changed weights, <c>[out, kernel²·in]</c>, into the form of the product that gives x̄.</summary>
    protected abstract void PrepareProduct(ReadOnlySpan<float> weights);

    /// <summary>Keeps an image's input for the backward pass, if its own memory is not kept.</summary>
    protected abstract void KeepInput(MicroBatch microBatch, int image);

    /// <summary>Adds W̄ of an image.</summary>
    /// <param name="microBatch">The micro-batch.</param>
    /// <param name="image">The image.</param>
    /// <param name="y">ȳ, <c>[places, out]</c>.</param>
    protected abstract void AddWeightGradient(MicroBatch microBatch, int image, float* y);

    /// <summary>Writes x̄ of an image.</summary>
    /// <param name="microBatch">The micro-batch.</param>
    /// <param name="image">The image.</param>
    /// <param name="y">ȳ, <c>[places, out]</c>.</param>
    /// <param name="x">x̄, <c>[tokens, in]</c>.</param>
    /// <param name="target">The distance of its rows, and whether to add.</param>
    protected abstract void WriteInputGradient(
        MicroBatch microBatch, int image, float* y, float* x, GradientTarget target);

    private void Unpack(ReadOnlySpan<float> packed, Span<float> gradient) =>
        GridPatches.UnpackWeights(Layer, packed, gradient);

    /// <summary>Puts the tokens under the kernel side by side at the start of scratch memory.</summary>
    protected void Unfold(MicroBatch microBatch, int image) =>
        GridPatches.Unfold(Layer, microBatch.Pointer(X, image), X.Stride, microBatch.Scratch, PatchLength, 0, Places);

    /// <summary>Adds W̄ in float32: scratch memory holds the unfolded input, then a panel.</summary>
    protected void AddFloatWeightGradient(MicroBatch microBatch, int image, float* y, int panelStart)
    {
        Unfold(microBatch, image);
        FloatGemm.AddTransposed(
            y, YGradient.Stride, microBatch.Scratch, PatchLength, Places, Layer.OutChannels, PatchLength,
                microBatch.Gradient(Weight), microBatch.Scratch + panelStart);
    }

    /// <summary>
    /// Adds the gradient of the unfolded input, at the start of scratch memory, up where it came from.
    /// </summary>
    protected void FoldBack(MicroBatch microBatch, float* x, GradientTarget target)
    {
        nint stride = target.Matrix.Stride;
        for (int token = 0; !target.Accumulate && token < X.Rows; token++)
            new Span<float>(x + (token * stride), Layer.InChannels).Clear();
        GridPatches.AddBack(Layer, microBatch.Scratch, x, stride);
    }
}
