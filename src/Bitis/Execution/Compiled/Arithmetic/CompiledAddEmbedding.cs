using System.Numerics.Tensors;
using Bitis.Execution.Planning;

namespace Bitis.Execution.Compiled.Arithmetic;

/// <summary>Adds a learned embedding to the tokens, in place where the input is the output.</summary>
internal sealed class CompiledAddEmbedding(
    string name, ArenaMatrix x, ArenaMatrix y, FloatTensor embedding) : CompiledOperation(name)
{
    public override string Kind => "add embedding";

    public override int Units => x.Rows;

    public override void Run(ArenaAddresses arena, int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            TensorPrimitives.Add(
                x.MemoryRow(arena, row), embedding.Span.Slice(row * x.Columns, x.Columns), y.MemoryRow(arena, row));
        }
    }
}
