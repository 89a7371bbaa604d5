using Bitis.Execution.Planning;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;

namespace Bitis.Execution.Compiled.Convolutions;

/// <summary>A convolution with tokens as its output: unfolded patches times the kernel as a matrix.</summary>
/// <param name="name">The node.</param>
/// <param name="image">The input, <c>[channels, height·width]</c>.</param>
/// <param name="height">Its height.</param>
/// <param name="width">Its width.</param>
/// <param name="patches">Room for the unfolded patches, <c>[tokens, channels·kernel²]</c>.</param>
/// <param name="y">The output, <c>[tokens, channels]</c>.</param>
/// <param name="convolution">The convolution.</param>
/// <param name="weights">Its kernel as a matrix.</param>
internal sealed class CompiledPatchEmbedding(
    string name,
    ArenaMatrix image,
    int height,
    int width,
    ArenaMatrix patches,
    ArenaMatrix y,
    Conv2d convolution,
    PackedFloatWeights weights) : CompiledOperation(name, weights)
{
    public override string Kind => "patch embedding";

    // Threads do not share the unfolding. It takes a small part of the time, once for each image.
    public override int Units => 1;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        Im2Col.Run(
            image.Pointer(arena),
            convolution.InChannels,
            height,
            width,
            convolution.KernelSize,
            convolution.Stride,
            convolution.Padding,
            patches.Pointer(arena),
            patches.Stride);
        FloatGemm.Run(
            weights, patches.Pointer(arena), patches.Stride, y.Pointer(arena), y.Stride, 0, y.Rows, accumulate: false);
    }
}
