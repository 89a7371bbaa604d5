using Bitis.Execution.Planning;
using Bitis.Graphs.Operators.Elementwise;

namespace Bitis.Execution.Compiled.Arithmetic;

/// <summary>The sum of several sequences, each with a gate for every channel.</summary>
/// <param name="name">The node.</param>
/// <param name="gates">A row for each sequence.</param>
/// <param name="x">The sequences; may have index maps.</param>
/// <param name="y">The sum.</param>
internal sealed class CompiledGatedSum(
    string name, ArenaMatrix gates, ArenaMatrix[] x, ArenaMatrix y) : CompiledOperation(name)
{
    public override string Kind => "gated sum";

    public override int Units => y.Rows;

    public override void Run(ArenaAddresses arena, int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            for (int k = 0; k < x.Length; k++)
            {
                GatedSum.AddGated(
                    x[k].MemoryRow(arena, x[k].Place(row)), gates.MemoryRow(arena, k), y.MemoryRow(arena, row),
                    isFirst: k == 0);
            }
        }
    }
}
