using Bitis.Graphs;
using Bitis.Kernels.Gemm;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>A convolution over a grid of tokens with its exact backward pass.</summary>
/// <remarks>
/// It unfolds the input again instead of keeping the rows. Gradients of rows are added up where they overlap.
/// </remarks>
internal sealed unsafe class GridConvolutionGradient(Node node) : GridConvolutionGradientBase(node)
{
    private PackedFloatWeights _transposed = null!;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        base.PlanForward(planner);
        _transposed = new PackedFloatWeights(PatchLength, Layer.OutChannels);
        planner.NeedScratch((Strip * PatchLength) + FloatGemm.TransposedScratch(Strip));
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        base.PlanBackward(planner);
        if (!IsFrozen)
            planner.KeepInput(Node, X);
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        base.Dispose();
        _transposed.Dispose();
    }

    /// <inheritdoc />
    protected override void PrepareProduct(ReadOnlySpan<float> weights) => _transposed.PackTransposed(weights);

    /// <inheritdoc />
    protected override void KeepInput(MicroBatch microBatch, int image)
    {
    }

    /// <inheritdoc />
    protected override void AddWeightGradient(MicroBatch microBatch, int image, float* y) =>
        AddFloatWeightGradient(microBatch, image, y, panelStart: Strip * PatchLength);

    /// <summary>The gradient of the tokens under the kernel takes their place.</summary>
    protected override void WriteInputGradient(
        MicroBatch microBatch, int image, float* y, float* x, GradientTarget target)
    {
        ClearInputGradient(x, target);
        for (int start = 0; start < Places; start += Strip)
        {
            int count = Math.Min(Strip, Places - start);
            FloatGemm.Run(
                _transposed, y + (start * (nint)YGradient.Stride), YGradient.Stride, microBatch.Scratch, PatchLength, 0,
                count, accumulate: false);
            FoldBack(microBatch, x, target, start, count);
        }
    }
}
