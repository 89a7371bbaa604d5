namespace Bitis.Data.Sources.Trees;

/// <summary>The files inside an archive, or below a folder of it.</summary>
/// <remarks>
/// Names may have '\' between their parts and "./" in front. Links, and names that lead out of the archive, are left
/// out.
/// </remarks>
/// <param name="archive">The path of the archive.</param>
internal abstract class ArchiveTree(string archive) : FileTree
{
    private readonly Dictionary<string, int> _entries = new(StringComparer.Ordinal);
    private readonly HashSet<string> _folderNames = new(StringComparer.Ordinal);
    private readonly List<(string Name, string Reason)> _leftOut = [];
    private readonly HashSet<string> _folders = new(StringComparer.Ordinal);
    private readonly List<string> _files = [];
    private string _folder = "";

    public override string Path => _folder.Length == 0 ? archive : $"{archive}/{_folder}";

    public override IReadOnlyList<string> Files => _files;

    public override IReadOnlyCollection<string> Folders => _folders;

    public override TreeClutter Clutter { get; } = new();

    /// <summary>Lists the files of a folder, once.</summary>
    /// <param name="folder">The folder, with '/' between its parts; empty for the whole archive.</param>
    /// <returns>Whether there is such a folder.</returns>
    /// <exception cref="BitisException">Files lie in too many folders.</exception>
    public bool Enter(string folder)
    {
        string prefix = folder.Length == 0 ? "" : folder + "/";
        if (folder.Length > 0
            && !_folderNames.Contains(folder)
            && !_entries.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            return false;
        }
        _folder = folder;
        foreach (string name in _entries.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            string relative = name[prefix.Length..];
            if (Clutter.Takes(relative))
                continue;
            if (relative.AsSpan().Count('/') > MaxDepth)
                throw BitisException.InFile(Path, $"there are files more than {MaxDepth} folders deep. Move them up.");
            _files.Add(relative);
            AddFolders(relative);
        }
        foreach (string name in _folderNames.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            string relative = name[prefix.Length..] + "/";
            if (!Clutter.Takes(relative) && relative.AsSpan().Count('/') <= MaxDepth)
                AddFolders(relative);
        }
        foreach ((string name, string reason) in _leftOut)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                Clutter.AddFile(reason);
        }
        _files.Sort(StringComparer.Ordinal);
        return true;
    }

    /// <summary>The number of a file's entry.</summary>
    protected int EntryOf(string file) => _entries[_folder.Length == 0 ? file : $"{_folder}/{file}"];

    /// <summary>Adds what the archive holds; a later file of the same name takes the place of an earlier one.</summary>
    /// <param name="name">The name in the archive.</param>
    /// <param name="isFolder">Whether it is a folder.</param>
    /// <param name="leftOut">Why it is not read: <c>link</c>; null if it is.</param>
    /// <param name="entry">The number of its entry.</param>
    /// <returns>Whether there was no such file before.</returns>
    protected bool Add(string name, bool isFolder, string? leftOut, int entry)
    {
        if (Normalize(name) is not { } normal)
        {
            _leftOut.Add(("", TreeClutter.Outside));
            return true;
        }
        if (normal.Length == 0)
            return true;
        if (isFolder)
        {
            _folderNames.Add(normal);
            return true;
        }
        if (leftOut is not null)
        {
            _leftOut.Add((normal, leftOut));
            return true;
        }
        bool isNew = !_entries.ContainsKey(normal);
        _entries[normal] = entry;
        return isNew;
    }

    /// <summary>
    /// A name with '/' between its parts and nothing else around them; null if it leads out of the archive.
    /// </summary>
    private static string? Normalize(string name)
    {
        name = name.Replace('\\', '/');
        bool isAbsolute = name.StartsWith('/') || (name is [_, ':', '/', ..] && char.IsAsciiLetter(name[0]));
        if (isAbsolute)
            return null;
        string[] parts = name.Split('/');
        if (parts.Contains(".."))
            return null;
        return parts.Any(part => part is "" or ".")
            ? string.Join('/', parts.Where(part => part is not ("" or ".")))
            : name;
    }

    private void AddFolders(string name)
    {
        for (int slash = name.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = name.IndexOf('/', slash + 1))
            _folders.Add(name[..slash]);
    }
}
