using Bitis.Execution.Planning;
using Bitis.Kernels.Activations;

namespace Bitis.Execution.Compiled.Arithmetic;

/// <summary>The gate of a Mamba block: <c>y = (x · factor) · SiLU(z)</c>, in place where x is y.</summary>
internal sealed class CompiledGate(
    string name, ArenaMatrix x, ArenaMatrix z, ArenaMatrix y, float factor) : CompiledOperation(name)
{
    public override string Kind => "gate";

    public override int Units => y.Rows;

    public override ArenaMatrix? Rows => y;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            Gate.Table.Best.Forward(
                x.Pointer(arena, row), z.Pointer(arena, row), factor, y.Pointer(arena, row), y.Columns);
        }
    }
}
