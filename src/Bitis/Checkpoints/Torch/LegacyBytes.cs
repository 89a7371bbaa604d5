namespace Bitis.Checkpoints.Torch;

/// <summary>A storage of a legacy file: tensors refer to it before its place in the file is known.</summary>
internal sealed class LegacyBytes(CheckpointFile file, long length) : StoredBytes
{
    /// <inheritdoc />
    public override long Length => length;

    /// <summary>Where the elements begin in the file; null until the objects before them have been read.</summary>
    public long? Start { get; set; }

    /// <inheritdoc />
    public override void Read(long offset, Span<byte> destination)
    {
        if (Start is not { } start)
            throw new InvalidOperationException("The storage has no place yet.");
        file.Read(start + offset, destination);
    }
}
