namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>What a pickle has put aside under a number.</summary>
/// <remarks>
/// Picklers count from 0, so the numbers index a list; a table of hashes would let a file choose numbers that all fall
/// into one bucket.
/// </remarks>
internal sealed class PickleMemo
{
    private static readonly object Missing = new();

    private readonly List<object?> _values = [];

    /// <summary>How many numbers have been used.</summary>
    public int Count { get; private set; }

    /// <summary>Puts a value aside.</summary>
    /// <param name="index">
    /// Its number; at most <paramref name="bytesRead"/>, since each one takes a byte at least.
    /// </param>
    /// <param name="value">The value.</param>
    /// <param name="bytesRead">How much of the pickle has been read.</param>
    /// <exception cref="BitisException">No pickler counts that far in so few bytes.</exception>
    public void Store(long index, object? value, long bytesRead)
    {
        if (index > bytesRead)
        {
            throw new BitisException(
                $"a value is stored under the number {index}, which no pickler does; the file may be malicious.");
        }

        while (_values.Count <= index)
            _values.Add(Missing);
        if (ReferenceEquals(_values[(int)index], Missing))
            Count++;
        _values[(int)index] = value;
    }

    /// <summary>Finds a value.</summary>
    /// <returns>Whether there is one of this number.</returns>
    public bool TryRecall(long index, out object? value)
    {
        value = index < _values.Count ? _values[(int)index] : Missing;
        return !ReferenceEquals(value, Missing);
    }
}
