using System.Numerics.Tensors;
using Bitis.Execution.Planning;

namespace Bitis.Execution.Compiled.Arithmetic;

/// <summary>The sum of two matrices whose tokens lie in one order, or in two that an index map relates.</summary>
/// <param name="name">The node.</param>
/// <param name="left">One term.</param>
/// <param name="right">The other term; may have an index map.</param>
/// <param name="y">The sum.</param>
internal sealed class CompiledSum(
    string name, ArenaMatrix left, ArenaMatrix right, ArenaMatrix y) : CompiledOperation(name)
{
    public override string Kind => "add";

    public override int Units => y.Rows;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        if (left.IsContiguous && right.IsContiguous && y.IsContiguous)
        {
            int count = (end - start) * y.Columns;
            TensorPrimitives.Add(
                new ReadOnlySpan<float>(left.Pointer(arena, start), count),
                new ReadOnlySpan<float>(right.Pointer(arena, start), count),
                new Span<float>(y.Pointer(arena, start), count));
            return;
        }
        for (int row = start; row < end; row++)
        {
            TensorPrimitives.Add<float>(
                left.MemoryRow(arena, row), right.MemoryRow(arena, right.Place(row)), y.MemoryRow(arena, row));
        }
    }
}
