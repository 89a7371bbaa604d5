using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Execution.Compiled;

/// <summary>Runs any operator through its reference forward pass, so that every graph runs.</summary>
/// <remarks>It copies and allocates. The reference forward pass is written to be read, not to be fast.</remarks>
internal sealed class CompiledReference(
    Node node, IReadOnlyList<ArenaMatrix> inputs, ArenaMatrix output,
    FloatTensor[] parameters) : CompiledOperation(node.Name)
{
    public override string Kind => $"{node.Operator.Kind} (reference)";

    public override int Units => 1;

    public override void Run(ArenaAddresses arena, int start, int end)
    {
        FloatTensor[] tensors = [.. inputs.Select((input, i) => Read(arena, input, node.Inputs[i].Shape))];
        FloatTensor result = node.Operator.Forward(tensors, parameters);
        for (int row = 0; row < output.Rows; row++)
            result.Span.Slice(row * output.Columns, output.Columns).CopyTo(output.Row(row).MemoryRow(arena, 0));
    }

    /// <summary>Copies a value out of the arena, in its own order of tokens.</summary>
    private static FloatTensor Read(ArenaAddresses arena, ArenaMatrix matrix, Shape shape)
    {
        FloatTensor tensor = FloatTensor.Uninitialized(shape.Prepend(1));
        for (int row = 0; row < matrix.Rows; row++)
            matrix.Row(row).MemoryRow(arena, 0).CopyTo(tensor.Span[(row * matrix.Columns)..]);
        return tensor;
    }
}
