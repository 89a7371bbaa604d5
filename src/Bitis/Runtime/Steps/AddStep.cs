using System.Numerics.Tensors;

namespace Bitis.Runtime.Steps;

/// <summary>The sum of two matrices whose tokens lie in one order.</summary>
internal sealed class AddStep(string name, ArenaMatrix left, ArenaMatrix right, ArenaMatrix y) : Step(name)
{
    public override string Kind => "add";

    public override int Units => y.Rows;

    public override void Run(nint arena, int start, int end)
    {
        for (int row = start; row < end; row++)
            TensorPrimitives.Add<float>(left.MemoryRow(arena, row), right.MemoryRow(arena, row), y.MemoryRow(arena, row));
    }
}
