using System.Numerics.Tensors;

namespace Bitis.Runtime.Steps;

/// <summary>The sum of two matrices whose tokens lie in one order, or in two that an index map relates.</summary>
/// <param name="name">The node.</param>
/// <param name="left">One term.</param>
/// <param name="right">The other term.</param>
/// <param name="rightRows">For each row of the sum the row of <paramref name="right"/>; null for the same one.</param>
/// <param name="y">The sum.</param>
internal sealed class AddStep(string name, ArenaMatrix left, ArenaMatrix right, int[]? rightRows, ArenaMatrix y) : Step(name)
{
    public override string Kind => "add";

    public override int Units => y.Rows;

    public override void Run(nint arena, int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            int other = rightRows?[row] ?? row;
            TensorPrimitives.Add<float>(left.MemoryRow(arena, row), right.MemoryRow(arena, other), y.MemoryRow(arena, row));
        }
    }
}
