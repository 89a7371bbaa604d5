namespace Bitis.Tensors;

/// <summary>Limits how many blocks have a guard page at once.</summary>
/// <remarks>
/// Each page costs two of a process' mappings. The system allows 65,530, and the runtime ends the process when it gets
/// no more. Further blocks have no page. They are counted.
/// </remarks>
/// <param name="limit">How many may have one.</param>
/// <param name="collect">Collects blocks that are no longer used.</param>
internal sealed class GuardBudget(int limit, Action collect)
{
    /// <summary>
    /// The blocks without a guard page after a collection that did not help, until the next collection.
    /// </summary>
    private readonly int _pause = Math.Max(1, limit / 4);

    private int _live;
    private long _unguarded, _collectAt;

    /// <summary>How many blocks have a guard page now.</summary>
    public int Live => Volatile.Read(ref _live);

    /// <summary>How many blocks have got none so far.</summary>
    public long Unguarded => Interlocked.Read(ref _unguarded);

    /// <summary>Takes a guard page; <see cref="Give"/> gives it back.</summary>
    /// <returns>Whether there is one left; else the block is counted.</returns>
    public bool TryTake()
    {
        if (TryTakeNow())
            return true;
        if (Unguarded >= Interlocked.Read(ref _collectAt))
        {
            Interlocked.Exchange(ref _collectAt, Unguarded + _pause);
            collect();
            if (TryTakeNow())
                return true;
        }
        CountUnguarded();
        return false;
    }

    /// <summary>Gives a guard page back.</summary>
    public void Give() => Interlocked.Decrement(ref _live);

    /// <summary>Counts a block that has no guard page.</summary>
    public void CountUnguarded() => Interlocked.Increment(ref _unguarded);

    private bool TryTakeNow()
    {
        if (Interlocked.Increment(ref _live) <= limit)
            return true;
        Interlocked.Decrement(ref _live);
        return false;
    }
}
