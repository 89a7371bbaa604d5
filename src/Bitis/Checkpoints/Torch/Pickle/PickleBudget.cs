namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>Limits the elements that constructors may copy.</summary>
/// <remarks>
/// A pickle can refer to one long list many times, for two bytes each. Constructors that copy it would then take memory
/// that grows with the square of the file. In an ordinary file, each element is copied once.
/// </remarks>
internal sealed class PickleBudget
{
    private const long Allowance = 1024;
    private const long ElementsPerByte = 2;

    private long _copied;

    /// <summary>The bytes of the pickle read so far, which limit the copies.</summary>
    public long BytesRead { get; set; }

    /// <summary>Counts a copy of <paramref name="elements"/> elements.</summary>
    /// <exception cref="BitisException">More elements were copied than the bytes read can hold.</exception>
    public void Charge(long elements)
    {
        _copied += elements;
        if (_copied > Allowance + (ElementsPerByte * BytesRead))
            throw new BitisException("the pickle copies the same data over and over; the file may be malicious.");
    }
}
