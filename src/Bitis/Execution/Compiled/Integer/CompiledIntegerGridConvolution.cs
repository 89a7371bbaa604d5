using Bitis.Execution.Compiled.Convolutions;
using Bitis.Execution.Planning;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Rounding;
using Bitis.Quantization.Quantizers;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>Computes a convolution over a grid of tokens in integers.</summary>
/// <remarks>
/// The levels of the tokens under the kernel lie side by side. They are multiplied by the kernel's levels.
/// </remarks>
/// <param name="name">The node.</param>
/// <param name="convolution">The convolution.</param>
/// <param name="levels">The levels of the input, <c>[tokens, in]</c>, rows contiguous.</param>
/// <param name="patches">
/// Room for the levels under the kernel, <c>[places, kernel²·in]</c>, rows of whole groups of four.
/// </param>
/// <param name="y">The output, <c>[places, out]</c>.</param>
/// <param name="weights">The kernel as a matrix; see <see cref="GridPatches.PackWeights"/>.</param>
/// <param name="input">The input's quantizer, per tensor.</param>
/// <param name="parameters">The quantizer's parameters in native memory; the operation disposes of them.</param>
internal sealed class CompiledIntegerGridConvolution(
    string name,
    GridConv2d convolution,
    ArenaBlock levels,
    ArenaBlock patches,
    ArenaMatrix y,
    PackedIntegerWeights weights,
    UniformQuantizer input,
    TokenParameterBuffers parameters) : CompiledOperation(name, weights, parameters)
{
    public override string Kind => weights.HasNibbles ? "convolution int4" : "convolution int8";

    public override int Units => y.Rows;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        byte* rows = arena[patches];
        int stride = CompiledIntegerLinear.LevelStride(weights.Inputs);
        GridPatches.Unfold(
            convolution, arena[levels], convolution.InChannels, rows, stride, start, end, (byte)input.ZeroPoints[0]);
        TokenParameters scales = parameters.Parameters;
        Int8Gemm.Run(weights, rows, stride, in scales, y.Pointer(arena), y.Stride, start, end, accumulate: false);
    }
}
