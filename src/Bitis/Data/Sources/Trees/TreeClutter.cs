namespace Bitis.Data.Sources.Trees;

/// <summary>
/// Counts the files of an image set that are left out: hidden ones, and those that systems and programs create.
/// </summary>
internal sealed class TreeClutter
{
    /// <summary>The reason for hidden files.</summary>
    public const string Hidden = "hidden";

    /// <summary>The reason for names that lead out of an archive.</summary>
    public const string Outside = "outside of the archive";

    private const int MostShown = 4;

    private static readonly string[] GeneratedFolders =
    [
        "@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX", "__pycache__", "lost+found", "System Volume Information",
    ];

    private readonly SortedSet<string> _folders = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _files = new(StringComparer.Ordinal);

    /// <summary>Whether a name without folders is hidden, or that of a generated folder.</summary>
    public static bool IsClutter(string name) =>
        name.StartsWith('.') || GeneratedFolders.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Counts a folder that is hidden or generated.</summary>
    public void AddFolder(string name) => _folders.Add(name);

    /// <summary>Counts a file that is left out.</summary>
    /// <param name="reason">The reason, in a word or two: <c>hidden</c>, <c>text</c>, <c>AVIF</c>.</param>
    public void AddFile(string reason) => _files[reason] = _files.GetValueOrDefault(reason) + 1;

    /// <summary>Counts a file, given by its path, if the file or one of its folders is clutter.</summary>
    /// <returns>Whether it was counted.</returns>
    public bool Takes(string path)
    {
        for (int start = 0; start < path.Length;)
        {
            int slash = path.IndexOf('/', start);
            if (IsClutter(slash < 0 ? path[start..] : path[start..slash]))
            {
                if (slash < 0)
                    AddFile(Hidden);
                else
                    AddFolder(path[..slash]);
                return true;
            }
            if (slash < 0)
                break;
            start = slash + 1;
        }
        return false;
    }

    /// <summary><c>3 files left out: 2 text, 1 AVIF</c>; null for none.</summary>
    public string? Files
    {
        get
        {
            if (_files.Count == 0)
                return null;
            int count = _files.Values.Sum();
            IEnumerable<string> reasons =
                _files.OrderByDescending(file => file.Value).Select(file => Counted(file.Value, file.Key));
            return $"{DisplayText.Count(count, "file")} left out: {string.Join(", ", reasons)}";
        }
    }

    /// <summary><c>2 hidden or generated folders left out: .git, @eaDir</c>; null for none.</summary>
    public string? Folders => _folders.Count == 0
        ? null
        : $"{DisplayText.Count(_folders.Count, "hidden or generated folder")} left out: {Names(_folders)}";

    /// <summary>The first of some names: <c>a, b, c, d and 2 more</c>.</summary>
    public static string Names(IReadOnlyCollection<string> names)
    {
        string shown = string.Join(", ", names.Take(MostShown).Select(name => DisplayText.Of(name)));
        return names.Count > MostShown ? $"{shown} and {names.Count - MostShown} more" : shown;
    }

    /// <summary>
    /// A count with a reason: things have a plural, formats and properties do not: <c>2 zip archives</c>,
    /// <c>2 AVIF</c>.
    /// </summary>
    private static string Counted(int count, string reason) =>
        reason != Outside
        && reason.Split(' ')[^1] is "link" or "file" or "archive" or "page" or "pointer" or "array" or "container"
            ? DisplayText.Count(count, reason)
            : $"{count} {reason}";
}
