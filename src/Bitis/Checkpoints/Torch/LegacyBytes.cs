namespace Bitis.Checkpoints.Torch;

/// <summary>A storage of a legacy file, whose position is known only after the tensors that use it.</summary>
internal sealed class LegacyBytes(CheckpointFile file, long length) : StoredBytes
{
    /// <inheritdoc />
    public override long Length => length;

    /// <summary>The position of the elements in the file; null until the objects before them have been read.</summary>
    public long? Start { get; set; }

    /// <inheritdoc />
    public override void Read(long offset, Span<byte> destination)
    {
        if (Start is not { } start)
            throw new InvalidOperationException("The storage has no place yet.");
        file.Read(start + offset, destination);
    }
}
