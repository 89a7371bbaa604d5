namespace Bitis.Checkpoints;

/// <summary>Bytes that lie in the file as they are.</summary>
internal sealed class FileBytes(CheckpointFile file, long start, long length) : StoredBytes
{
    /// <inheritdoc />
    public override long Length => length;

    /// <inheritdoc />
    public override void Read(long offset, Span<byte> destination) => file.Read(start + offset, destination);
}
