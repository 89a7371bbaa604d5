using Bitis.Execution.Planning;
using Bitis.Quantization.Methods;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>
/// Passes blocks of neighbouring channels through a Hadamard transform, before a layer quantizes them.
/// </summary>
/// <param name="name">The node.</param>
/// <param name="x">The input, <c>[tokens, channels]</c>.</param>
/// <param name="y">The output, in the same order.</param>
/// <param name="order">How many channels a block has.</param>
internal sealed class CompiledRotate(string name, ArenaMatrix x, ArenaMatrix y, int order) : CompiledOperation(name)
{
    public override string Kind => "hadamard";

    public override int Units => x.Rows;

    public override ArenaMatrix? Rows => y;

    public override void Run(ArenaAddresses arena, int start, int end)
    {
        for (int row = start; row < end; row++)
            Rotation.Apply(x.MemoryRow(arena, row), order, y.MemoryRow(arena, row));
    }
}
