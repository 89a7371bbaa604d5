
namespace Bitis.Execution.Planning;

/// <summary>A piece of the arena that holds one value.</summary>
/// <remarks>
/// It is in use from the operation that writes it first to the operation that reads it last. The planner gives the same
/// bytes to blocks that are never in use at the same time.
/// </remarks>
internal sealed class ArenaBlock(long bytes)
{
    /// <summary>How many bytes the value takes.</summary>
    public long Bytes { get; } = bytes >= 0
        ? bytes
        : throw new InvalidOperationException($"A block cannot have {bytes} bytes.");

    /// <summary>The block's number in its <see cref="ArenaLayout"/>; set by <see cref="ArenaPlanner"/>.</summary>
    public int Index { get; set; } = -1;

    /// <summary>Where the block starts in the arena; set by <see cref="ArenaPlanner"/>.</summary>
    public long Offset { get; set; }

    /// <summary>The first operation that touches the block.</summary>
    public int FirstOperation { get; private set; } = int.MaxValue;

    /// <summary>The last operation that touches the block.</summary>
    public int LastOperation { get; private set; } = -1;

    /// <summary>Notes that an operation touches the block.</summary>
    public void Touch(int operation)
    {
        FirstOperation = Math.Min(FirstOperation, operation);
        LastOperation = Math.Max(LastOperation, operation);
    }

    /// <summary>Whether two blocks are in use in the same operation.</summary>
    public bool OverlapsInTime(ArenaBlock other) =>
        FirstOperation <= other.LastOperation && other.FirstOperation <= LastOperation;
}
