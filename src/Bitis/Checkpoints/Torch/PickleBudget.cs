namespace Bitis.Checkpoints.Torch;

/// <summary>
/// Bounds what constructors may copy. A pickle can name one long list many times over for two bytes each, and so make
/// copying constructors take memory that grows with the square of the file; in an honest file each element is copied
/// once.
/// </summary>
/// <param name="pickleLength">The size of the pickle in bytes.</param>
internal sealed class PickleBudget(long pickleLength)
{
    private long _left = 1024 + (4 * pickleLength);

    /// <summary>Takes note of a copy of <paramref name="elements"/> elements.</summary>
    /// <exception cref="BitisException">The pickle has copied more than it could hold itself.</exception>
    public void Charge(long elements)
    {
        _left -= elements;
        if (_left < 0)
            throw new BitisException("the pickle copies the same data over and over; the file may be malicious.");
    }
}
