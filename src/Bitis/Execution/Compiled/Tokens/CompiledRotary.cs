using Bitis.Execution.Planning;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Execution.Compiled.Tokens;

/// <summary>Rotary positions, in place where the input is the output.</summary>
internal sealed class CompiledRotary(
    string name, RotaryPositions positions, ArenaMatrix x, ArenaMatrix y) : CompiledOperation(name)
{
    public override string Kind => "rotary positions";

    public override int Units => y.Rows;

    public override void Run(ArenaAddresses arena, int start, int end)
    {
        for (int row = start; row < end; row++)
            positions.Turn(x.MemoryRow(arena, row), row, y.MemoryRow(arena, row), isBack: false);
    }
}
