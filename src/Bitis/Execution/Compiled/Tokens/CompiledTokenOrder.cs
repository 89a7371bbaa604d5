using Bitis.Execution.Planning;

namespace Bitis.Execution.Compiled.Tokens;

/// <summary>Copies tokens to another order by an index map, one after the other or several side by side.</summary>
/// <param name="name">The node.</param>
/// <param name="x">The input.</param>
/// <param name="y">The output, whose rows are one or several rows of the input.</param>
/// <param name="sources">The row in memory of each of them; -1 for zeros.</param>
internal sealed class CompiledTokenOrder(
    string name, ArenaMatrix x, ArenaMatrix y, int[] sources) : CompiledOperation(name)
{
    public override string Kind => "token order";

    public override int Units => y.Rows;

    public override void Run(ArenaAddresses arena, int start, int end)
    {
        int parts = sources.Length / y.Rows;
        for (int i = start * parts; i < end * parts; i++)
        {
            Span<float> target = y.MemoryRow(arena, i / parts).Slice(i % parts * x.Columns, x.Columns);
            if (sources[i] < 0)
                target.Clear();
            else
                x.MemoryRow(arena, sources[i]).CopyTo(target);
        }
    }
}
