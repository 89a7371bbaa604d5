using System.Collections.Immutable;

namespace Bitis.Execution.Planning;

/// <summary>
/// A graph compiled for one image: operations in order, and the arena that all intermediate values share.
/// </summary>
/// <remarks>A plan is read-only; any number of arenas may run it at once.</remarks>
internal sealed class Plan(
    IEnumerable<CompiledOperation> operations, IReadOnlyList<ArenaMatrix> inputs, IReadOnlyList<ArenaMatrix> outputs,
    bool isOutputWhole, ArenaLayout layout) : IDisposable
{
    /// <summary>The operations, in order; walking them allocates nothing.</summary>
    public ImmutableArray<CompiledOperation> Operations { get; } = [.. operations];

    /// <summary>The inputs' places in the arena: the image, or the values that a part of a model takes.</summary>
    public IReadOnlyList<ArenaMatrix> Inputs { get; } = inputs;

    /// <summary>The outputs' places in the arena.</summary>
    public IReadOnlyList<ArenaMatrix> Outputs { get; } = outputs;

    /// <summary>The place of the first output.</summary>
    public ArenaMatrix Output { get; } = outputs[0];

    /// <summary>Whether the first output is all of a block that is no input, not a view of another value.</summary>
    public bool IsOutputWhole { get; } = isOutputWhole;

    /// <summary>The memory that one image needs for its values.</summary>
    public ArenaLayout Layout { get; } = layout;

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (CompiledOperation operation in Operations)
            operation.Dispose();
    }
}
