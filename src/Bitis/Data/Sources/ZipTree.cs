using System.IO.Compression;
using Bitis.Checkpoints.Torch;

namespace Bitis.Data.Sources;

/// <summary>
/// The files inside a zip, or below a folder of it. Entries are read when they are asked for, and compared with their
/// checksum; nothing is unpacked. Reading
/// all of them once inflates at most 1032 times the zip's length, since none may share bytes with another.
/// </summary>
internal sealed class ZipTree : FileTree
{
    /// <summary>Deflate's best ratio; an entry that claims more is lying or damaged.</summary>
    private const int MaxDeflateRatio = 1032;

    private readonly Lock _lock = new();
    private readonly ZipArchive _archive;
    private readonly long _zipLength;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = [];
    private readonly List<string> _files;
    private readonly HashSet<string> _folders = [];

    /// <summary>Opens a zip.</summary>
    /// <param name="zip">The path of the file.</param>
    /// <param name="folder">The folder inside it, with '/' between its parts; empty for all of it.</param>
    public ZipTree(string zip, string folder)
    {
        Path = folder.Length == 0 ? zip : $"{zip}/{folder}";
        string prefix = folder.Length == 0 ? "" : folder + "/";
        FileStream stream = InputFile.Open(zip);
        try
        {
            _zipLength = stream.Length;
            _archive = new ZipArchive(stream, ZipArchiveMode.Read);
            long compressed = 0;
            foreach (ZipArchiveEntry entry in _archive.Entries)
            {
                compressed += Math.Clamp(entry.CompressedLength, 0, _zipLength);
                if (compressed > _zipLength)
                {
                    throw BitisException.InFile(
                        zip,
                        $"the zip's entries claim more compressed bytes than the {_zipLength} that it has, so they overlap: "
                        + "it is damaged, or made to exhaust a reader.");
                }
                if (entry.FullName.StartsWith(prefix, StringComparison.Ordinal))
                    Add(entry.FullName[prefix.Length..], entry);
            }
            if (folder.Length > 0 && _entries.Count == 0)
                throw BitisException.InFile(zip, $"the zip holds no folder '{folder}'.");
        }
        catch (Exception e)
        {
            _archive?.Dispose();
            stream.Dispose();
            if (IsDamage(e))
                throw new BitisException($"{zip}: the zip file is damaged: {e.Message}", e);
            throw;
        }
        _files = [.. _entries.Keys.Order(StringComparer.Ordinal)];
    }

    public override string Path { get; }

    public override IReadOnlyList<string> Files => _files;

    public override IReadOnlyCollection<string> Folders => _folders;

    public override byte[] Read(string file, int maxBytes)
    {
        ZipArchiveEntry entry = _entries[file];
        byte[] bytes = Inflate(file, entry, maxBytes);
        if (Crc32.Append(0, bytes) != entry.Crc32)
        {
            throw BitisException.InFile(
                FullName(file),
                "the zip entry does not match its checksum, so it is damaged. Download or copy the zip again.");
        }
        return bytes;
    }

    public override void Dispose() => _archive.Dispose();

    private byte[] Inflate(string file, ZipArchiveEntry entry, int maxBytes)
    {
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
                        $"the zip entry has {length} bytes; at most {maxBytes} are accepted here.");
                }
                long compressed = Math.Min(entry.CompressedLength, _zipLength); // the stated one may be a lie as well
                if (length > compressed * MaxDeflateRatio)
                {
                    throw BitisException.InFile(
                        FullName(file),
                        $"the zip entry claims {length} bytes, which {compressed} compressed bytes cannot hold.");
                }
                byte[] bytes = new byte[length];
                using Stream stream = entry.Open();
                stream.ReadExactly(bytes);
                if (stream.ReadByte() >= 0)
                {
                    throw BitisException.InFile(
                        FullName(file),
                        $"the zip entry is longer than the {length} bytes it claims.");
                }
                return bytes;
            }
        }
        catch (Exception e) when (IsDamage(e))
        {
            throw new BitisException($"{FullName(file)}: the zip entry is damaged: {e.Message}", e);
        }
    }

    private void Add(string name, ZipArchiveEntry entry)
    {
        if (name.Length == 0 || IsHidden(name))
            return;
        if (name.AsSpan().Count('/') > MaxDepth)
            throw BitisException.InFile(Path, $"the zip holds files more than {MaxDepth} folders deep.");
        for (int slash = name.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = name.IndexOf('/', slash + 1))
            _folders.Add(name[..slash]);
        if (!name.EndsWith('/') && !_entries.TryAdd(name, entry))
            throw BitisException.InFile(FullName(name), "the zip holds this name twice.");
    }

    /// <summary>What the platform's reader throws on damaged and hostile files.</summary>
    private static bool IsDamage(Exception e) =>
        e is InvalidDataException or IOException or ArgumentException or NotSupportedException or OverflowException;
}
