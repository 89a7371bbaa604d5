namespace Bitis.Checkpoints;

/// <summary>Folders for results.</summary>
public static class OutputFolder
{
    /// <summary>Creates a folder where it is missing.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="what">What the message calls it.</param>
    /// <exception cref="BitisException">It cannot be created.</exception>
    public static void Create(string path, string what = "the folder")
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused(path, what, e);
        }
    }

    /// <summary>Finds out before the work that a folder cannot be created or written to. Leaves nothing
    /// behind.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="what">What the message calls it.</param>
    /// <exception cref="BitisException">It cannot.</exception>
    public static void RequireWritable(string path, string what = "the folder")
    {
        try
        {
            string existing = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
            List<string> missing = [];
            while (FileFacts.Of(existing) is null)
            {
                if (new FileInfo(existing).LinkTarget is { } target)
                    throw new IOException($"'{existing}' is a link to '{target}', which does not exist");
                missing.Add(Path.GetFileName(existing));
                existing = Path.GetDirectoryName(existing) ?? throw new IOException("there is no such drive");
            }
            if (!Directory.Exists(existing))
                throw new IOException($"'{existing}' is a file, not a folder");
            foreach (string name in missing)
                _ = FileFacts.Of(Path.Combine(existing, name)); // refuses a name that is too long
            TemporaryFiles.RemoveStale(existing);
            string temporary;
            using (FileStream probe = TemporaryFiles.Create(existing, mode: null))
                temporary = probe.Name;
            File.Delete(temporary);
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw Refused(path, what, e);
        }
    }

    private static BitisException Refused(string path, string what, Exception e) =>
        new($"{path}: {what} cannot be {(Directory.Exists(path) ? "written to" : "created")}: {e.Message.TrimEnd('.')}.", e);
}
