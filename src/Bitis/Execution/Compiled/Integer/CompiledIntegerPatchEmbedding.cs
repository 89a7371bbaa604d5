using Bitis.Execution.Compiled.Convolutions;
using Bitis.Execution.Planning;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Rounding;
using Bitis.Quantization.Quantizers;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>
/// As <see cref="CompiledPatchEmbedding"/>, in integers: the unfolded levels of the patches times those of the kernel.
/// </summary>
/// <param name="name">The node.</param>
/// <param name="levels">The levels of the input, <c>[channels, height·width]</c>.</param>
/// <param name="height">Its height.</param>
/// <param name="width">Its width.</param>
/// <param name="patches">
/// Room for the unfolded levels, <c>[tokens, channels·kernel²]</c>, rows of whole groups of four.
/// </param>
/// <param name="y">The output, <c>[tokens, channels]</c>.</param>
/// <param name="convolution">The convolution.</param>
/// <param name="weights">Its kernel as a matrix.</param>
/// <param name="input">The input's quantizer, per tensor.</param>
/// <param name="parameters">The quantizer's parameters in native memory; the operation disposes of them.</param>
internal sealed class CompiledIntegerPatchEmbedding(
    string name,
    ArenaBlock levels,
    int height,
    int width,
    ArenaBlock patches,
    ArenaMatrix y,
    Conv2d convolution,
    PackedIntegerWeights weights,
    UniformQuantizer input,
    TokenParameterBuffers parameters) : CompiledOperation(name, weights, parameters)
{
    public override string Kind => weights.HasNibbles ? "patch embedding int4" : "patch embedding int8";

    // As in float32, threads do not share the unfolding.
    public override int Units => 1;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        byte* rows = arena[patches];
        int stride = CompiledIntegerLinear.LevelStride(weights.Inputs);
        Im2Col.Run(
            arena[levels],
            convolution.InChannels,
            height,
            width,
            convolution.KernelSize,
            convolution.Stride,
            convolution.Padding,
            rows,
            stride,
            (byte)input.ZeroPoints[0]);
        TokenParameters scales = parameters.Parameters;
        Int8Gemm.Run(weights, rows, stride, in scales, y.Pointer(arena), y.Stride, 0, y.Rows, accumulate: false);
    }
}
