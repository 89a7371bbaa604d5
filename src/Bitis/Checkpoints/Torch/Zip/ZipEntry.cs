namespace Bitis.Checkpoints.Torch.Zip;

/// <summary>The directory entry of a file in a zip archive.</summary>
/// <param name="Name">The path inside the archive.</param>
/// <param name="IsDeflated">Whether it is compressed with deflate instead of stored.</param>
/// <param name="Crc">The checksum of its contents.</param>
/// <param name="CompressedLength">Its size in the archive, in bytes.</param>
/// <param name="Length">Its size, in bytes.</param>
/// <param name="HeaderOffset">The position of its local header.</param>
internal sealed record ZipEntry(
    string Name, bool IsDeflated, uint Crc, long CompressedLength, long Length, long HeaderOffset);
