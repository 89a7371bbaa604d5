using Bitis.Execution.Planning;
using Bitis.Graphs;

namespace Bitis.Execution.Gradients;

/// <summary>The compressed copy of a layer's input that the backward pass reads.</summary>
/// <remarks>
/// The forward pass writes the copy, so that the memory of the value is free after its last reader. If the backward
/// pass of another operation needs the value itself, the value stays. Then the copy is written and read in the layer's
/// backward pass only.
/// </remarks>
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

    /// <summary>The block that is kept from the forward to the backward pass.</summary>
    public ArenaBlock Kept => IsCompressed ? block : value;

    /// <summary>Notes a backward operation that reads it.</summary>
    public void NeedAt(int time) => _readAt = Math.Max(_readAt, time);

    /// <summary>Decides what is kept, when all other operations are planned.</summary>
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
