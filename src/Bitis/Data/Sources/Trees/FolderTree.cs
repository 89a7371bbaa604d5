using System.Collections.Immutable;
using Bitis.Data.Decoding;
using Bitis.Files;

namespace Bitis.Data.Sources.Trees;

/// <summary>The files below a folder.</summary>
/// <remarks>
/// Links are followed, as class folders may be links, but for those that lead back to a folder above them.
/// </remarks>
internal sealed class FolderTree : FileTree
{
    private static readonly EnumerationOptions Everything = new()
    {
        IgnoreInaccessible = false,
        AttributesToSkip = FileAttributes.None,
    };

    private readonly List<string> _files = [];
    private readonly List<string> _folders = [];
    private readonly int _depth;
    private readonly CancellationToken _cancellationToken;

    /// <summary>Lists a folder.</summary>
    /// <param name="folder">Its path.</param>
    /// <param name="depth">
    /// How many folders deep files are looked for; null for all. Deeper ones are left out, and those that may not be
    /// looked into as well.
    /// </param>
    /// <param name="cancellationToken">Ends the listing.</param>
    public FolderTree(string folder, int? depth = null, CancellationToken cancellationToken = default)
    {
        _depth = depth ?? int.MaxValue;
        _cancellationToken = cancellationToken;
        Path = folder.Length > 1 ? folder.TrimEnd('/', System.IO.Path.DirectorySeparatorChar) : folder;
        try
        {
            Add(new DirectoryInfo(folder), prefix: "", above: [.. IdentitiesAbove(folder)]);
        }
        catch (Exception e) when (InputFile.IsFileSystemFailure(e))
        {
            throw InputFile.Failure(folder, e);
        }
        _files.Sort(StringComparer.Ordinal);
    }

    public override string Path { get; }

    public override IReadOnlyList<string> Files => _files;

    public override IReadOnlyCollection<string> Folders => _folders;

    public override TreeClutter Clutter { get; } = new();

    public override byte[] Read(string file, int maxBytes) => InputFile.ReadAllBytes(FullName(file), maxBytes);

    public override int ReadStart(string file, Span<byte> start)
    {
        using DataFile data = DataFile.Open(FullName(file));
        return data.ReadStart(start);
    }

    public override DataFile OpenData(string file, int maxBytes) => DataFile.Open(FullName(file));

    public override void Dispose()
    {
    }

    /// <summary>Which folders a folder lies in, really and not by its name, and which it is.</summary>
    private static IEnumerable<string> IdentitiesAbove(string folder)
    {
        string? last = null;
        while (FileFacts.Of(folder)?.Identity is { } identity && identity != last)
        {
            yield return identity;
            last = identity; // that of the root, whose parent is itself
            folder = System.IO.Path.Join(folder, "..");
        }
    }

    /// <summary>Adds what is in a folder and below.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="prefix">Its name in the tree with a trailing '/', or nothing.</param>
    /// <param name="above">The identities of the folder and those on the way to it.</param>
    private void Add(DirectoryInfo folder, string prefix, ImmutableHashSet<string> above)
    {
        foreach (FileSystemInfo entry in folder.EnumerateFileSystemInfos("*", Everything))
        {
            _cancellationToken.ThrowIfCancellationRequested();
            string name = prefix + entry.Name;
            bool isFolder = entry.Attributes.HasFlag(FileAttributes.Directory);
            if (TreeClutter.IsClutter(entry.Name))
            {
                Count(name, isFolder);
                continue;
            }
            InputPath.RequireUtf8(entry.FullName); // would be left out without a word
            if (!isFolder)
            {
                _files.Add(name);
                continue;
            }
            string identity = FileFacts.Of(entry.FullName)?.Identity ?? entry.FullName;
            if (above.Contains(identity))
                continue;
            if (name.AsSpan().Count('/') >= MaxDepth)
                throw BitisException.InFile(FullName(name), $"this is more than {MaxDepth} folders deep. Move it up.");
            _folders.Add(name);
            if (name.AsSpan().Count('/') < _depth)
                AddFolder(entry.FullName, name, above.Add(identity));
        }
    }

    private void AddFolder(string path, string name, ImmutableHashSet<string> above)
    {
        try
        {
            Add(new DirectoryInfo(path), name + "/", above);
        }
        catch (UnauthorizedAccessException) when (_depth < int.MaxValue)
        {
            // What is looked for in the first few folders is perhaps in another one.
        }
    }

    private void Count(string name, bool isFolder)
    {
        if (isFolder)
            Clutter.AddFolder(name);
        else
            Clutter.AddFile(TreeClutter.Hidden);
    }
}
