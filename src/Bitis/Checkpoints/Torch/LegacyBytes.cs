namespace Bitis.Checkpoints.Torch;

/// <summary>A storage of a legacy file: tensors refer to it before its place in the file is known.</summary>
internal sealed class LegacyBytes(MappedFile file, long length) : StoredBytes
{
    /// <inheritdoc />
    public override long Length => length;

    /// <summary>Where the elements begin in the file; null until the objects before them have been read.</summary>
    public long? Start { get; set; }

    /// <inheritdoc />
    public override ReadOnlySpan<byte> Read(long offset, int count) => Start is { } start
        ? file.Slice(start + offset, count)
        : throw new InvalidOperationException("The storage has no place yet.");
}
