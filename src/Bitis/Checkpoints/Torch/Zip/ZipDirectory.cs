using System.Buffers.Binary;
using System.Text;

namespace Bitis.Checkpoints.Torch.Zip;

/// <summary>Reads the directory at the end of a zip archive, zip64 included.</summary>
/// <remarks>
/// The platform's <c>ZipArchive</c> gives streams, not places in the file; storages are read in place. Layout: PKWARE's
/// APPNOTE.TXT, sections 4.3 and 4.5.3. All entries together inflate to at most 64 times the file (or 1 MiB), and none
/// shares bytes with another.
/// </remarks>
internal static class ZipDirectory
{
    private const int EndLength = 22;
    private const int End64LocatorLength = 20;
    private const int End64Length = 56;
    private const int EntryLength = 46;
    private const int LocalHeaderLength = 30;
    private const int MaxCommentLength = 65535;

    /// <summary>Compression that no weights reach; beyond it, an archive is made to exhaust memory.</summary>
    private const int MaxRatio = 64;

    private const long AlwaysAllowedLength = 1 << 20;

    /// <summary>Deflate's best ratio; an entry that claims more is refused before memory is taken for it.</summary>
    private const int MaxDeflateRatio = 1032;

    /// <summary>Reads the directory: entries by name.</summary>
    /// <exception cref="BitisException">The archive is damaged, encrypted, or expands beyond reason.</exception>
    public static Dictionary<string, ZipEntry> Read(CheckpointFile file)
    {
        (long offset, long length, long count) = FindDirectory(file);
        if (offset < 0 || length is < 0 or > int.MaxValue || offset > file.Length - length)
            throw Damaged(file, "its directory lies outside of the file");
        ReadOnlySpan<byte> directory = file.Read(offset, (int)length);
        if (count < 0 || count > length / EntryLength)
            throw Damaged(file, $"its directory claims {count} entries in {length} bytes");

        var entries = new Dictionary<string, ZipEntry>((int)count, StringComparer.Ordinal);
        for (long i = 0; i < count; i++)
        {
            if (directory.Length < EntryLength || !directory.StartsWith("PK\x01\x02"u8))
                throw Damaged(file, $"entry {i} of its directory is broken");
            int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(directory[28..]);
            int extraLength = BinaryPrimitives.ReadUInt16LittleEndian(directory[30..]);
            int commentLength = BinaryPrimitives.ReadUInt16LittleEndian(directory[32..]);
            if (directory.Length - EntryLength < nameLength + extraLength + commentLength)
                throw Damaged(file, $"entry {i} of its directory is cut off");
            string name = Encoding.UTF8.GetString(directory.Slice(EntryLength, nameLength));
            ZipEntry entry = ParseEntry(file, name, directory, directory.Slice(EntryLength + nameLength, extraLength));
            if (!entries.TryAdd(name, entry))
                throw Damaged(file, $"'{name}' is there twice");
            directory = directory[(EntryLength + nameLength + extraLength + commentLength)..];
        }
        CheckSums(file, [.. entries.Values.OrderBy(entry => entry.HeaderOffset)]);
        return entries;
    }

    /// <summary>Entries may not share bytes, nor be small each and beyond reason together.</summary>
    private static void CheckSums(CheckpointFile file, List<ZipEntry> entries)
    {
        if (entries.Sum(entry => entry.Length) is var length && IsBeyondReason(length, file.Length))
        {
            throw file.Error(
                $"the archive's {entries.Count} entries claim {length} bytes in a file of {file.Length}; "
                + "no weights compress like that: this is a zip bomb, and is refused.");
        }
        long end = 0;
        foreach (ZipEntry entry in entries)
        {
            if (entry.HeaderOffset < end)
                throw Damaged(file, $"'{entry.Name}' overlaps the entry before it");
            end = entry.HeaderOffset + LocalHeaderLength + entry.CompressedLength;
        }
    }

    private static bool IsBeyondReason(long length, long compressed) =>
        length > AlwaysAllowedLength && length / MaxRatio > compressed;

    private static (long Offset, long Length, long Count) FindDirectory(CheckpointFile file)
    {
        int tailLength = (int)Math.Min(file.Length, EndLength + MaxCommentLength);
        long tailStart = file.Length - tailLength;
        ReadOnlySpan<byte> tail = file.Read(tailStart, tailLength);
        int position = tail.LastIndexOf("PK\x05\x06"u8);
        if (position < 0 || tailLength - position < EndLength)
            throw Damaged(file, "its directory at the end is missing, so the file is truncated");
        ReadOnlySpan<byte> end = tail[position..];
        long count = BinaryPrimitives.ReadUInt16LittleEndian(end[10..]);
        long length = BinaryPrimitives.ReadUInt32LittleEndian(end[12..]);
        long offset = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]);

        long locatorStart = tailStart + position - End64LocatorLength;
        ReadOnlySpan<byte> locator = locatorStart < 0 ? [] : file.Read(locatorStart, End64LocatorLength);
        if (!locator.StartsWith("PK\x06\x07"u8))
            return (offset, length, count);
        long end64Start = BinaryPrimitives.ReadInt64LittleEndian(locator[8..]);
        if (end64Start < 0 || end64Start > file.Length - End64Length)
            throw Damaged(file, "its 64-bit directory lies outside of the file");
        ReadOnlySpan<byte> end64 = file.Read(end64Start, End64Length);
        if (!end64.StartsWith("PK\x06\x06"u8))
            throw Damaged(file, "its 64-bit directory is missing");
        return (
            BinaryPrimitives.ReadInt64LittleEndian(end64[48..]),
            BinaryPrimitives.ReadInt64LittleEndian(end64[40..]),
            BinaryPrimitives.ReadInt64LittleEndian(end64[32..]));
    }

    private static ZipEntry ParseEntry(
        CheckpointFile file, string name, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> extra)
    {
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(entry[8..]);
        int method = BinaryPrimitives.ReadUInt16LittleEndian(entry[10..]);
        if ((flags & 1) != 0)
            throw file.Error($"'{name}' in the archive is encrypted; unpack it and give the checkpoint inside.");
        if (method is not (0 or 8))
            throw Damaged(file, $"'{name}' uses the compression method {method}; PyTorch stores without compression");

        long length = BinaryPrimitives.ReadUInt32LittleEndian(entry[24..]);
        long compressed = BinaryPrimitives.ReadUInt32LittleEndian(entry[20..]);
        long offset = BinaryPrimitives.ReadUInt32LittleEndian(entry[42..]);
        ReadOnlySpan<byte> wide = FindExtra64(extra);
        length = Widen(file, name, length, ref wide);
        compressed = Widen(file, name, compressed, ref wide);
        offset = Widen(file, name, offset, ref wide);

        if (length < 0 || compressed < 0 || offset < 0 || compressed > file.Length || offset > file.Length - compressed)
        {
            throw Damaged(
                file,
                    $"'{name}' ({compressed} bytes at byte {offset}) lies outside of the file of {file.Length} bytes");
        }

        bool deflated = method == 8;
        if (!deflated && length != compressed)
            throw Damaged(file, $"'{name}' is stored without compression, but has the sizes {compressed} and {length}");
        if (deflated && length / MaxDeflateRatio > compressed)
            throw Damaged(file, $"'{name}' claims {length} bytes, which {compressed} compressed bytes cannot hold");
        if (IsBeyondReason(length, compressed))
        {
            throw file.Error(
                $"'{name}' claims to expand from {compressed} to {length} bytes; "
                + "no weights compress like that: this is a zip bomb, and is refused.");
        }
        return new ZipEntry(
            name, deflated, BinaryPrimitives.ReadUInt32LittleEndian(entry[16..]), compressed, length, offset);
    }

    /// <summary>The extra field 1 holds, in this order, the 64-bit values of the sizes that do not fit in 32
    /// bits.</summary>
    private static ReadOnlySpan<byte> FindExtra64(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            int id = BinaryPrimitives.ReadUInt16LittleEndian(extra);
            int size = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]), extra.Length - 4);
            if (id == 1)
                return extra.Slice(4, size);
            extra = extra[(4 + size)..];
        }
        return [];
    }

    private static long Widen(CheckpointFile file, string name, long value, ref ReadOnlySpan<byte> wide)
    {
        if (value != uint.MaxValue)
            return value;
        if (wide.Length < sizeof(long))
            throw Damaged(file, $"the 64-bit sizes of '{name}' are missing");
        value = BinaryPrimitives.ReadInt64LittleEndian(wide);
        wide = wide[sizeof(long)..];
        return value;
    }

    private static BitisException Damaged(CheckpointFile file, string problem) =>
        file.Error($"the zip archive is damaged: {problem}. Download or copy it again.");
}
