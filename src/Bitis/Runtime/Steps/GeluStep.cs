using Bitis.Runtime.Kernels;

namespace Bitis.Runtime.Steps;

/// <summary>GELU of each element.</summary>
internal sealed class GeluStep(string name, ArenaMatrix x, ArenaMatrix y) : Step(name)
{
    public override string Kind => "gelu";

    public override int Units => y.Rows;

    public override unsafe void Run(nint arena, int start, int end)
    {
        for (int row = start; row < end; row++)
            Elementwise.Gelu.Best.Run(x.Pointer(arena, row), y.Pointer(arena, row), y.Columns);
    }
}
