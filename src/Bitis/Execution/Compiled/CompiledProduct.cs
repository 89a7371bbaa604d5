using System.Numerics.Tensors;
using Bitis.Execution.Planning;

namespace Bitis.Execution.Compiled;

/// <summary>The product of two matrices, in place where the first is the output.</summary>
/// <param name="name">The node.</param>
/// <param name="left">One factor; may have an index map.</param>
/// <param name="right">The other factor.</param>
/// <param name="y">The product; may have the index map of the first factor.</param>
internal sealed class CompiledProduct(
    string name, ArenaMatrix left, ArenaMatrix right, ArenaMatrix y) : CompiledOperation(name)
{
    public override string Kind => "product";

    public override int Units => y.Rows;

    public override void Run(ArenaAddresses arena, int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            TensorPrimitives.Multiply<float>(
                left.MemoryRow(arena, left.Place(row)), right.MemoryRow(arena, row), y.MemoryRow(arena, y.Place(row)));
        }
    }
}
