namespace Bitis.Cli.Input;

/// <summary>Finds out before the long work, and not after it, that a result cannot be written.</summary>
internal static class OutputFile
{
    /// <summary>Makes sure that a file can be created, or replaced, at a path.</summary>
    /// <exception cref="BitisException">It cannot; the message says why.</exception>
    public static void RequireWritable(string path)
    {
        if (Directory.Exists(path))
            throw BitisException.InFile(path, "this is a folder; name a file to write.");
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
            throw BitisException.InFile(path, $"the folder {folder} does not exist; create it first.");
        string probe = Path.Combine(folder, $".bitis-{Guid.NewGuid():N}.tmp");
        try
        {
            using var file = new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException($"{path}: the folder {folder} cannot be written to: {e.Message}", e);
        }
    }
}
