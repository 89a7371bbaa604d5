namespace Bitis.Checkpoints.Torch.Zip;

/// <summary>What the directory of a zip archive says about one file.</summary>
/// <param name="Name">The path inside the archive.</param>
/// <param name="IsDeflated">Whether it is compressed; otherwise it is stored as it is.</param>
/// <param name="Crc">The checksum of its contents.</param>
/// <param name="CompressedLength">Its size in the archive, in bytes.</param>
/// <param name="Length">Its size, in bytes.</param>
/// <param name="HeaderOffset">Where its local header begins.</param>
internal sealed record ZipEntry(
    string Name, bool IsDeflated, uint Crc, long CompressedLength, long Length, long HeaderOffset);
