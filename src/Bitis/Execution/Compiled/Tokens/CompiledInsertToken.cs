using Bitis.Execution.Planning;

namespace Bitis.Execution.Compiled.Tokens;

/// <summary>Copies a sequence with a learned token inserted.</summary>
internal sealed class CompiledInsertToken(
    string name, ArenaMatrix x, ArenaMatrix y, FloatTensor token, int position) : CompiledOperation(name)
{
    public override string Kind => "insert token";

    public override int Units => y.Rows;

    public override void Run(ArenaAddresses arena, int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            Span<float> target = y.MemoryRow(arena, row);
            if (row == position)
                token.Span.CopyTo(target);
            else
                x.MemoryRow(arena, row < position ? row : row - 1).CopyTo(target);
        }
    }
}
