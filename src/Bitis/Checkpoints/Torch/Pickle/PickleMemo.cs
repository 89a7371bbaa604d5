namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>The memo of a pickle: values stored under a number.</summary>
/// <remarks>
/// Picklers count from 0, so the numbers index a list. In a hash table, a hostile file could choose numbers that all
/// fall into one bucket.
/// </remarks>
internal sealed class PickleMemo
{
    private static readonly object Missing = new();

    private readonly List<object?> _values = [];

    /// <summary>The number of stored values.</summary>
    public int Count { get; private set; }

    /// <summary>Stores a value.</summary>
    /// <param name="index">
    /// Its number, at most <paramref name="bytesRead"/>, since each one takes at least a byte.
    /// </param>
    /// <param name="value">The value.</param>
    /// <param name="bytesRead">The bytes of the pickle read so far.</param>
    /// <exception cref="BitisException">The number is larger than <paramref name="bytesRead"/>.</exception>
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
    /// <returns>Whether a value with this number exists.</returns>
    public bool TryRecall(long index, out object? value)
    {
        value = index < _values.Count ? _values[(int)index] : Missing;
        return !ReferenceEquals(value, Missing);
    }
}
