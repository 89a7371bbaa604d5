using Bitis.Execution.Planning;
using Bitis.Graphs.Operators.Grids;
using Bitis.Kernels.Grids;

namespace Bitis.Execution.Compiled.Grids;

/// <summary>Averages a grid of tokens over bins.</summary>
/// <param name="name">The node.</param>
/// <param name="pool">The pooling.</param>
/// <param name="x">The input, <c>[tokens, channels]</c>.</param>
/// <param name="y">The output, <c>[bins², channels]</c>.</param>
internal sealed class CompiledGridPool(
    string name, GridPool pool, ArenaMatrix x, ArenaMatrix y) : CompiledOperation(name)
{
    public override string Kind => "pool";

    public override int Units => y.Rows;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        var call = new AveragePoolCall
        {
            Height = pool.Height,
            Width = pool.Width,
            Bins = pool.Bins,
            Channels = x.Columns,
            Source = x.Pointer(arena),
            SourceStride = x.Stride,
            Target = y.Pointer(arena),
            TargetStride = y.Stride,
        };
        AveragePool.Run(in call, start, end);
    }
}
