namespace Bitis.Checkpoints;

/// <summary>Uncompressed bytes of a file.</summary>
internal sealed class FileBytes(CheckpointFile file, long start, long length) : StoredBytes
{
    /// <inheritdoc />
    public override long Length => length;

    /// <inheritdoc />
    public override void Read(long offset, Span<byte> destination) => file.Read(start + offset, destination);
}
