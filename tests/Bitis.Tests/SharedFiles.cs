namespace Bitis.Tests;

/// <summary>
/// Larger golden files that are not part of the repository: in a folder <c>shared</c> beside it, or where the
/// environment
/// variable BITIS_SHARED says. Tests that use them have a twin on small files, and pass without them.
/// </summary>
internal static class SharedFiles
{
    private static readonly string? Folder = FindFolder();

    /// <summary>The path of a file such as <c>golden/vim-tiny-random.fp16.pth</c>; null when it is not there.</summary>
    public static string? Find(string name)
    {
        string? path = Folder is null ? null : Path.Combine(Folder, name);
        return File.Exists(path) || Directory.Exists(path) ? path : null;
    }

    private static string? FindFolder()
    {
        if (Environment.GetEnvironmentVariable("BITIS_SHARED") is { Length: > 0 } given)
            return given;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "Bitis.slnx")))
                continue;
            // A worktree may lie one level deeper than the main one.
            for (DirectoryInfo? parent = folder.Parent; parent is not null; parent = parent.Parent)
            {
                string shared = Path.Combine(parent.FullName, "shared");
                if (Directory.Exists(Path.Combine(shared, "golden")))
                    return shared;
            }
            return null;
        }
        return null;
    }
}
