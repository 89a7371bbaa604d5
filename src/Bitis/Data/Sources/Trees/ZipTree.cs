using System.IO.Compression;
using Bitis.Checkpoints.Torch.Zip;
using Bitis.Data.Decoding;

namespace Bitis.Data.Sources.Trees;

/// <summary>The files inside a zip, or below a folder of it.</summary>
/// <remarks>
/// Entries are read when they are asked for, and compared with their checksum; nothing is unpacked. Reading all of them
/// once inflates at most 1032 times the zip's length, since none may share bytes with another.
/// </remarks>
internal sealed class ZipTree : ArchiveTree
{
    /// <summary>Deflate's best ratio; an entry that claims more is lying or damaged.</summary>
    private const int MaxDeflateRatio = 1032;

    private const int FileTypeMask = 0xF000, LinkType = 0xA000;

    private readonly Lock _lock = new();
    private readonly ZipArchive _archive;
    private readonly long _zipLength;

    /// <summary>Opens a zip.</summary>
    /// <param name="zip">The path of the file.</param>
    /// <exception cref="BitisException">It is damaged, or two of its names are the same.</exception>
    public ZipTree(string zip)
        : base(zip)
    {
        FileStream stream = InputFile.Open(zip);
        try
        {
            _zipLength = stream.Length;
            _archive = new ZipArchive(stream, ZipArchiveMode.Read);
            long compressed = 0;
            foreach ((int index, ZipArchiveEntry entry) in _archive.Entries.Index())
            {
                compressed += Math.Clamp(entry.CompressedLength, 0, _zipLength);
                if (compressed > _zipLength)
                {
                    throw BitisException.InFile(
                        zip,
                        $"the zip's entries claim more compressed bytes than the {_zipLength} that it has, so they "
                        + "overlap: "
                        + "it is damaged, or made to exhaust a reader.");
                }
                bool isFolder = entry.FullName.EndsWith('/') || entry.FullName.EndsWith('\\');
                bool isLink = ((entry.ExternalAttributes >> 16) & FileTypeMask) == LinkType;
                if (!Add(entry.FullName, isFolder, isLink ? "link" : null, index))
                    throw BitisException.InFile($"{zip}/{entry.FullName}", "the zip holds this name twice.");
            }
        }
        catch (Exception e)
        {
            _archive?.Dispose();
            stream.Dispose();
            if (IsDamage(e))
                throw new BitisException($"{zip}: the zip file is damaged: {e.Message}", e);
            throw;
        }
    }

    public override byte[] Read(string file, int maxBytes)
    {
        ZipArchiveEntry entry = _archive.Entries[EntryOf(file)];
        byte[] bytes = Inflate(file, entry, maxBytes);
        if (Crc32.Append(0, bytes) != entry.Crc32)
        {
            throw BitisException.InFile(
                FullName(file),
                "the zip entry does not match its checksum, so it is damaged. Download or copy the zip again.");
        }
        return bytes;
    }

    public override int ReadStart(string file, Span<byte> start)
    {
        ZipArchiveEntry entry = _archive.Entries[EntryOf(file)];
        RequireOpen(file, entry);
        try
        {
            lock (_lock)
            {
                using Stream stream = entry.Open();
                return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            }
        }
        catch (Exception e) when (IsDamage(e))
        {
            throw Damaged(file, e);
        }
    }

    public override DataFile OpenData(string file, int maxBytes) => DataFile.Of(FullName(file), Read(file, maxBytes));

    public override void Dispose() => _archive.Dispose();

    private void RequireOpen(string file, ZipArchiveEntry entry)
    {
        if (!entry.IsEncrypted)
            return;
        throw BitisException.InFile(
            FullName(file),
            "the zip entry is encrypted. Unpack the zip with its password, and give the folder or a zip without one.");
    }

    private BitisException Damaged(string file, Exception e) =>
        new($"{FullName(file)}: the zip entry is damaged: {e.Message}", e);

    private byte[] Inflate(string file, ZipArchiveEntry entry, int maxBytes)
    {
        RequireOpen(file, entry);
        try
        {
            // One archive has one position in its file, so entries are read one after the other.
            lock (_lock)
            {
                long length = entry.Length;
                if (length > maxBytes)
                {
                    throw BitisException.InFile(
                        FullName(file),
                        $"the zip entry has {DisplayText.Count(length, "byte")}; at most {maxBytes} are "
                            + $"accepted here.");
                }
                long compressed = Math.Min(entry.CompressedLength, _zipLength); // the stated one may be a lie as well
                if (length > compressed * MaxDeflateRatio)
                {
                    throw BitisException.InFile(
                        FullName(file),
                        $"the zip entry claims {DisplayText.Count(length, "byte")}, which {compressed} "
                            + $"compressed bytes cannot hold.");
                }
                byte[] bytes = new byte[length];
                using Stream stream = entry.Open();
                stream.ReadExactly(bytes);
                if (stream.ReadByte() >= 0)
                {
                    throw BitisException.InFile(
                        FullName(file),
                        $"the zip entry is longer than the {DisplayText.Count(length, "byte")} it claims.");
                }
                return bytes;
            }
        }
        catch (Exception e) when (IsDamage(e))
        {
            throw Damaged(file, e);
        }
    }

    /// <summary>What the platform's reader throws on damaged and hostile files.</summary>
    private static bool IsDamage(Exception e) =>
        e is InvalidDataException or IOException or ArgumentException or NotSupportedException or OverflowException;
}
