using Bitis.Checkpoints;

namespace Bitis.Data.Sources;

/// <summary>Adapts a file of an image set to the readers of checkpoints.</summary>
/// <param name="file">The file.</param>
internal sealed class DataFileBytes(DataFile file) : StoredBytes
{
    public override long Length => file.Length;

    public override void Read(long offset, Span<byte> destination) => file.ReadExactly(destination, offset);
}
