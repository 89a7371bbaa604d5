using Bitis.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Bitis.Runtime.Steps;

/// <summary>Adds a learned embedding to the tokens, in place.</summary>
internal sealed class AddEmbeddingStep(string name, ArenaMatrix x, Tensor embedding) : Step(name)
{
    public override string Kind => "add embedding";

    public override int Units => x.Rows;

    public override void Run(nint arena, int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            Span<float> token = x.MemoryRow(arena, row);
            TensorPrimitives.Add(token, embedding.Span.Slice(row * x.Columns, x.Columns), token);
        }
    }
}
