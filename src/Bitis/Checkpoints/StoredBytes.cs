namespace Bitis.Checkpoints;

/// <summary>Where a block of bytes lies in a checkpoint file. Nothing is read before <see cref="Read"/>.</summary>
internal abstract class StoredBytes
{
    /// <summary>The size in bytes, uncompressed.</summary>
    public abstract long Length { get; }

    /// <summary>Some of the bytes; valid until the file is closed. The caller has checked the range.</summary>
    /// <exception cref="BitisException">The bytes are damaged.</exception>
    public abstract ReadOnlySpan<byte> Read(long offset, int length);
}
