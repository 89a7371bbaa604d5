using Bitis.Execution.Compiled.Tokens;
using Bitis.Execution.Operations.Convolutions;
using Bitis.Execution.Planning;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Memory;

namespace Bitis.Execution.Compiled.Convolutions;

/// <summary>Computes the depthwise convolution over a grid and the SiLU after it.</summary>
/// <remarks>It also writes copies of the output in the orders in which scans see the tokens.</remarks>
/// <param name="name">The node.</param>
/// <param name="layer">The convolution.</param>
/// <param name="sumsOnly">Whether there is no SiLU.</param>
/// <param name="x">The input, <c>[height·width, channels]</c>.</param>
/// <param name="y">The output.</param>
/// <param name="copies">The output in other orders; the operation disposes of their index maps.</param>
/// <param name="weights"><c>[kernel², channels]</c>; the operation disposes of them.</param>
/// <param name="scales">
/// Where x and the weights are levels, what their sums are multiplied by, <c>[channels]</c>; else null.
/// </param>
/// <param name="bias"><c>[channels]</c>; or null.</param>
internal sealed class CompiledDepthwiseConvolution(
    string name,
    DepthwiseConv2d layer,
    bool sumsOnly,
    ArenaMatrix x,
    ArenaMatrix y,
    ArrangedCopy[] copies,
    NativeBuffer<float> weights,
    FloatTensor? scales,
    FloatTensor? bias) : CompiledOperation(name, [weights, .. copies.Select(copy => copy.Offsets)])
{
    private const int ChannelsPerUnit = 16;

    public override string Kind => sumsOnly ? "depthwise conv" : "depthwise conv + silu";

    public override int Units => (x.Columns + ChannelsPerUnit - 1) / ChannelsPerUnit;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        int firstChannel = start * ChannelsPerUnit, endChannel = Math.Min(end * ChannelsPerUnit, x.Columns);
        DepthwiseConvCopy* orders = stackalloc DepthwiseConvCopy[copies.Length];
        for (int i = 0; i < copies.Length; i++)
        {
            ArrangedCopy copy = copies[i];
            orders[i] = new DepthwiseConvCopy { Target = copy.Target.Pointer(arena), Offsets = copy.Offsets.Pointer };
            foreach (int row in copy.ZeroRows)
                copy.Target.MemoryRow(arena, row)[firstChannel..endChannel].Clear();
        }
        DepthwiseConvCall call = DepthwiseConvolutionOperation.Call(
            arena, layer, x, y, sumsOnly, weights.Pointer, bias);
        call.Scales = scales is null ? null : scales.Pointer;
        call.Copies = orders;
        call.CopyCount = copies.Length;
        DepthwiseConv.Run(in call, firstChannel, endChannel);
        GC.KeepAlive(scales);
        GC.KeepAlive(bias);
    }
}
