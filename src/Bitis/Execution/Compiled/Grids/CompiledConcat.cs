using Bitis.Execution.Planning;

namespace Bitis.Execution.Compiled.Grids;

/// <summary>Copies values side by side.</summary>
/// <param name="name">The node.</param>
/// <param name="parts">The values, one row for each row of the output.</param>
/// <param name="y">The output.</param>
internal sealed class CompiledConcat(string name, ArenaMatrix[] parts, ArenaMatrix y) : CompiledOperation(name)
{
    public override string Kind => "concat";

    public override int Units => y.Rows;

    public override void Run(ArenaAddresses arena, int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            Span<float> target = y.MemoryRow(arena, row);
            foreach (ArenaMatrix part in parts)
            {
                part.MemoryRow(arena, row).CopyTo(target);
                target = target[part.Columns..];
            }
        }
    }
}
