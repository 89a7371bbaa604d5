using Bitis.Execution.Planning;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;

namespace Bitis.Execution.Compiled.Convolutions;

/// <summary>Computes a convolution over a grid of tokens, with the rectifier after it.</summary>
/// <param name="name">The node.</param>
/// <param name="convolution">The convolution.</param>
/// <param name="parts">The inputs side by side, <c>[tokens, in]</c> together.</param>
/// <param name="y">The output, <c>[places, out]</c>.</param>
/// <param name="rectify">Whether negative outputs become 0.</param>
/// <param name="weights">The filter as a matrix; see <see cref="GridPatches.PackWeights"/>.</param>
/// <param name="zeros">As many zeros as the input has channels.</param>
internal sealed class CompiledGridConvolution(
    string name, GridConv2d convolution, ArenaMatrix[] parts, ArenaMatrix y, bool rectify,
    PackedFloatWeights weights, NativeBuffer<float> zeros) : CompiledOperation(name, weights, zeros)
{
    private readonly GridConvKernel _kernel = GridConv.Table.Best;

    public override string Kind => "convolution";

    public override int Units => y.Rows;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        GridConvPart* inputs = stackalloc GridConvPart[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            inputs[i] = new GridConvPart
            {
                Source = parts[i].Pointer(arena),
                Stride = parts[i].Stride,
                Channels = parts[i].Columns,
            };
        }
        var call = new GridConvCall
        {
            Height = convolution.Height,
            Width = convolution.Width,
            OutWidth = convolution.OutWidth,
            KernelSize = convolution.KernelSize,
            Stride = convolution.Stride,
            Padding = convolution.Padding,
            Rectify = rectify,
            Parts = inputs,
            PartCount = parts.Length,
            Zeros = zeros.Pointer,
            Weights = weights,
            Target = y.Pointer(arena),
            TargetStride = y.Stride,
        };
        _kernel.Run(in call, start, end);
        GC.KeepAlive(zeros);
    }
}
