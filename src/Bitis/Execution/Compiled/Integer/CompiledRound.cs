using Bitis.Execution.Planning;
using Bitis.Quantization.Quantizers;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>Rounds an activation to the values of its levels, for a layer that multiplies in float32.</summary>
internal sealed class CompiledRound(
    string name, ArenaMatrix x, ArenaMatrix y, UniformQuantizer quantizer) : CompiledOperation(name)
{
    public override string Kind => "round";

    public override int Units => x.Rows;

    public override void Run(ArenaAddresses arena, int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            int token = x.IsReversed ? x.Rows - 1 - row : row;
            quantizer.Simulate(x.MemoryRow(arena, row), token, y.MemoryRow(arena, row));
        }
    }
}
