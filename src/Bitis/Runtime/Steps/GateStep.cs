using Bitis.Runtime.Kernels;

namespace Bitis.Runtime.Steps;

/// <summary>The gate of a Mamba block: <c>y ← (y · factor) · SiLU(z)</c>, in place.</summary>
internal sealed class GateStep(string name, ArenaMatrix y, ArenaMatrix z, float factor) : Step(name)
{
    public override string Kind => "gate";

    public override int Units => y.Rows;

    public override ArenaMatrix? Rows => y;

    public override unsafe void Run(nint arena, int start, int end)
    {
        for (int row = start; row < end; row++)
            Gate.Table.Best.Forward(y.Pointer(arena, row), z.Pointer(arena, row), factor, y.Pointer(arena, row), y.Columns);
    }
}
