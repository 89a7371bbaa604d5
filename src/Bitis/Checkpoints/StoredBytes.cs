namespace Bitis.Checkpoints;

/// <summary>A block of bytes in a checkpoint file, which is not read before <see cref="Read"/>.</summary>
internal abstract class StoredBytes
{
    /// <summary>The size in bytes, uncompressed.</summary>
    public abstract long Length { get; }

    /// <summary>
    /// Fills a span with the bytes from <paramref name="offset"/> on. The caller has checked the range.
    /// </summary>
    /// <exception cref="BitisException">The bytes are damaged, or the file was truncated.</exception>
    public abstract void Read(long offset, Span<byte> destination);
}
