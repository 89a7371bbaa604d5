namespace Bitis.Checkpoints;

/// <summary>Bytes that lie in the file as they are.</summary>
internal sealed class MappedBytes(MappedFile file, long start, long length) : StoredBytes
{
    /// <inheritdoc />
    public override long Length => length;

    /// <inheritdoc />
    public override ReadOnlySpan<byte> Read(long offset, int count) => file.Slice(start + offset, count);
}
