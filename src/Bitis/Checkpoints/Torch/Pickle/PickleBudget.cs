namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>Bounds what constructors may copy.</summary>
/// <remarks>
/// A pickle can name one long list many times over for two bytes each, and so make copying constructors take memory
/// that grows with the square of the file; in an honest file each element is copied once.
/// </remarks>
internal sealed class PickleBudget
{
    private const long Allowance = 1024;
    private const long ElementsPerByte = 2;

    private long _copied;

    /// <summary>The bytes of the pickle that have been read: what they hold may be copied.</summary>
    public long BytesRead { get; set; }

    /// <summary>Takes note of a copy of <paramref name="elements"/> elements.</summary>
    /// <exception cref="BitisException">The pickle has copied more than it could hold itself.</exception>
    public void Charge(long elements)
    {
        _copied += elements;
        if (_copied > Allowance + (ElementsPerByte * BytesRead))
            throw new BitisException("the pickle copies the same data over and over; the file may be malicious.");
    }
}
