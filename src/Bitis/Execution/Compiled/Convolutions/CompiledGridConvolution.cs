using Bitis.Execution.Planning;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Gemm;

namespace Bitis.Execution.Compiled.Convolutions;

/// <summary>Computes a convolution over a grid of tokens as a matrix product.</summary>
/// <remarks>The tokens under the kernel lie side by side. They are multiplied by the kernel as a matrix.</remarks>
/// <param name="name">The node.</param>
/// <param name="convolution">The convolution.</param>
/// <param name="x">The input, <c>[tokens, in]</c>.</param>
/// <param name="patches">Room for the tokens under the kernel, <c>[places, kernel²·in]</c>.</param>
/// <param name="y">The output, <c>[places, out]</c>.</param>
/// <param name="weights">The kernel as a matrix; see <see cref="GridPatches.PackWeights"/>.</param>
internal sealed class CompiledGridConvolution(
    string name, GridConv2d convolution, ArenaMatrix x, ArenaMatrix patches, ArenaMatrix y,
    PackedFloatWeights weights) : CompiledOperation(name, weights)
{
    public override string Kind => "convolution";

    public override int Units => y.Rows;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        GridPatches.Unfold(convolution, x.Pointer(arena), x.Stride, patches.Pointer(arena), patches.Stride, start, end);
        FloatGemm.Run(
            weights, patches.Pointer(arena), patches.Stride, y.Pointer(arena), y.Stride, start, end, accumulate: false);
    }
}
