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
/// Large maps are unfolded in strips, as their rows would take gigabytes.
/// Derived classes decide how the two products of the backward pass are computed and what is kept for them.
/// </remarks>
internal abstract unsafe class GridConvolutionGradientBase : OperationGradient, IDisposable
{
    /// <summary>The most elements of scratch memory for all places, and about those of a strip.</summary>
    private const int MostPatches = 1 << 24, StripPatches = 1 << 20;

    private PackedFloatWeights _weights = null!;
    private ParameterSlot? _bias;

    /// <summary>Creates the operation of a node.</summary>
    protected GridConvolutionGradientBase(Node node)
    {
        Node = node;
        Layer = (GridConv2d)node.Operator;
        Places = node.Shape[0];
        PatchLength = GridPatches.Length(Layer);
        Strip = (long)Places * PatchLength <= MostPatches ? Places : Math.Max(1, StripPatches / PatchLength);
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

    /// <summary>The places that are unfolded at once: all of them on maps of usual sizes.</summary>
    protected int Strip { get; }

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
        _bias = Layer.HasBias ? planner.Parameter(Node, 1) : null;
        IsFrozen = planner.IsFrozen(Node);
        X = planner.ContiguousValue(Node.Inputs[0]);
        Y = planner.NewValue(Node);
        planner.NeedScratch(Strip * PatchLength);
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
        _weights.Pack(packed, _bias is null ? default : _bias.Weight.Span);
        PrepareProduct(packed);
        ArrayPool<float>.Shared.Return(memory);
    }

    /// <inheritdoc />
    public sealed override void Forward(MicroBatch microBatch)
    {
        for (int image = 0; image < microBatch.Images; image++)
        {
            for (int start = 0; start < Places; start += Strip)
            {
                int count = Unfold(microBatch, image, start);
                FloatGemm.Run(
                    _weights, microBatch.Scratch, PatchLength, microBatch.Pointer(Y, image) + (start * (nint)Y.Stride),
                    Y.Stride, 0, count, accumulate: false);
            }
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
        if (!IsFrozen && _bias is not null)
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
    /// <returns>The number of places in the strip.</returns>
    private int Unfold(MicroBatch microBatch, int image, int start)
    {
        int count = Math.Min(Strip, Places - start);
        float* first = microBatch.Scratch - ((nint)start * PatchLength);
        GridPatches.Unfold(
            Layer, microBatch.Pointer(X, image), X.Stride, first, PatchLength, start, start + count);
        return count;
    }

    /// <summary>Adds W̄ in float32: scratch memory holds a strip of the unfolded input, then a panel.</summary>
    protected void AddFloatWeightGradient(MicroBatch microBatch, int image, float* y, int panelStart)
    {
        for (int start = 0; start < Places; start += Strip)
        {
            int count = Unfold(microBatch, image, start);
            FloatGemm.AddTransposed(
                y + (start * (nint)YGradient.Stride), YGradient.Stride, microBatch.Scratch, PatchLength, count,
                Layer.OutChannels, PatchLength, microBatch.Gradient(Weight), microBatch.Scratch + panelStart);
        }
    }

    /// <summary>Clears x̄ if nothing has been added to it.</summary>
    protected void ClearInputGradient(float* x, GradientTarget target)
    {
        for (int token = 0; !target.Accumulate && token < X.Rows; token++)
            new Span<float>(x + (token * (nint)target.Matrix.Stride), Layer.InChannels).Clear();
    }

    /// <summary>
    /// Adds the gradient of the unfolded input, at the start of scratch memory, up where it came from.
    /// </summary>
    protected void FoldBack(MicroBatch microBatch, float* x, GradientTarget target, int start, int count) =>
        GridPatches.AddBack(Layer, microBatch.Scratch, x, target.Matrix.Stride, start, start + count);
}
