namespace Bitis.Data.Sources.Trees;

/// <summary>The files inside a tar archive, or below a folder of it.</summary>
/// <remarks>
/// A plain archive is read where it lies; one compressed with gzip is unpacked to memory, since it cannot be read at
/// any place. Memory: names, and of compressed archives all contents, at most 1 GiB and 1032 times the file.
/// </remarks>
internal sealed class TarTree : ArchiveTree
{
    /// <summary>How many bytes a compressed archive may have when it is unpacked.</summary>
    internal const int MaxUnpackedBytes = 1 << 30;

    private const int StartLength = 1 << 12;
    private const string TooLong =
        "this unpacks to more than 1 GiB. Unpack it (gunzip), and give the .tar file, which is read in place.";

    private readonly DataFile _archive;
    private readonly DataFile _contents;
    private readonly List<TarEntry> _entries;

    /// <summary>Opens an archive.</summary>
    /// <param name="tar">The path of the file.</param>
    /// <param name="cancellationToken">Ends the unpacking and listing.</param>
    /// <exception cref="BitisException">It is damaged, or too long to be unpacked.</exception>
    public TarTree(string tar, CancellationToken cancellationToken)
        : base(tar)
    {
        _archive = DataFile.Open(tar);
        try
        {
            Span<byte> start = stackalloc byte[2];
            _archive.ReadStart(start);
            _contents = GzipFile.Recognizes(start)
                ? DataFile.Of(tar, GzipFile.Inflate(_archive, MaxUnpackedBytes, TooLong, cancellationToken))
                : _archive;
            _entries = TarDirectory.Read(_contents, cancellationToken);
            foreach ((int index, TarEntry entry) in _entries.Index())
                Add(entry.Name, entry.IsFolder, entry.LeftOut, index);
        }
        catch
        {
            _archive.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file starts as a tar archive does, perhaps compressed with gzip.</summary>
    public static bool Recognizes(string path)
    {
        Span<byte> start = stackalloc byte[StartLength];
        using DataFile file = DataFile.Open(path);
        start = start[..file.ReadStart(start)];
        if (!GzipFile.Recognizes(start))
            return TarDirectory.Recognizes(start);
        Span<byte> inflated = stackalloc byte[512];
        return TarDirectory.Recognizes(inflated[..GzipFile.ReadStart(start, inflated)]);
    }

    public override byte[] Read(string file, int maxBytes) => OpenData(file, maxBytes).ReadAll(maxBytes);

    public override int ReadStart(string file, Span<byte> start) => OpenData(file, int.MaxValue).ReadStart(start);

    public override DataFile OpenData(string file, int maxBytes)
    {
        TarEntry entry = _entries[EntryOf(file)];
        return _contents.Part(FullName(file), entry.Offset, entry.Length);
    }

    public override void Dispose() => _archive.Dispose();
}
