namespace Bitis.Checkpoints;

/// <summary>Where a block of bytes lies in a checkpoint file. Nothing is read before <see cref="Read"/>.</summary>
internal abstract class StoredBytes
{
    /// <summary>The size in bytes, uncompressed.</summary>
    public abstract long Length { get; }

    /// <summary>Copies the bytes from <paramref name="offset"/> on until the span is full. The caller has checked the
    /// range.</summary>
    /// <exception cref="BitisException">The bytes are damaged, or the file has become shorter.</exception>
    public abstract void Read(long offset, Span<byte> destination);
}
