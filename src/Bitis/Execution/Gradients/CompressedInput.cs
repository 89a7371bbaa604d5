using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Gradients;

/// <summary>
/// What a layer keeps of its input for the backward pass: a compressed copy, written in the forward pass, so that the
/// value's own memory is free as soon as nobody reads it there any more. If another operation needs the value itself in
/// its backward pass, it is there anyway: then it stays, and the copy is written and read in the layer's backward pass
/// only.
/// </summary>
/// <param name="writer">The layer that writes the copy.</param>
/// <param name="block">The memory of the copy.</param>
/// <param name="value">The memory of the value.</param>
/// <param name="writtenAt">The layer's forward operation on the planner's timeline.</param>
internal sealed class CompressedInput(Node writer, ArenaBlock block, ArenaBlock value, int writtenAt)
{
    private int _readAt;

    /// <summary>The layer that writes the copy; others may read it, too.</summary>
    public Node Writer => writer;

    /// <summary>The memory of the copy.</summary>
    public ArenaBlock Block => block;

    /// <summary>Whether the copy is all that is kept.</summary>
    public bool IsCompressed { get; private set; }

    /// <summary>What takes memory from the forward to the backward pass.</summary>
    public ArenaBlock Kept => IsCompressed ? block : value;

    /// <summary>Notes a backward operation that reads it.</summary>
    public void NeedAt(int time) => _readAt = Math.Max(_readAt, time);

    /// <summary>Decides, when all other operations are planned.</summary>
    /// <param name="forwardEnd">The time after the last forward operation.</param>
    public void Decide(int forwardEnd)
    {
        IsCompressed = value.LastOperation < forwardEnd;
        block.Touch(_readAt);
        Kept.Touch(_readAt);
        if (IsCompressed)
            block.Touch(writtenAt);
    }
}
