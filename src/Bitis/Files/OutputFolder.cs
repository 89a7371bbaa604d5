namespace Bitis.Files;

/// <summary>Folders for results.</summary>
internal static class OutputFolder
{
    /// <summary>Creates a folder where it is missing, and lets something write to it.</summary>
    /// <remarks>If that fails, what was created and is still empty is removed.</remarks>
    /// <param name="path">The folder.</param>
    /// <param name="fill">What writes to it.</param>
    /// <param name="what">What the message calls it.</param>
    /// <exception cref="BitisException">It cannot be created.</exception>
    public static void Fill(string path, Action fill, string what = "the folder")
    {
        ArgumentNullException.ThrowIfNull(fill);
        List<string> created = Create(path, what);
        try
        {
            fill();
        }
        catch
        {
            RemoveEmpty(created);
            throw;
        }
    }

    /// <summary>Finds out before the work that a folder cannot be created or written to. Leaves nothing
    /// behind.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="what">What the message calls it.</param>
    /// <exception cref="BitisException">It cannot.</exception>
    public static void RequireWritable(string path, string what = "the folder")
    {
        InputPath.RequireUtf8(path);
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

    /// <summary>Creates a folder; those that were missing, the innermost first.</summary>
    private static List<string> Create(string path, string what)
    {
        InputPath.RequireUtf8(path);
        var missing = new List<string>();
        try
        {
            string? folder = Path.GetFullPath(path);
            for (; folder is not null && !Directory.Exists(folder); folder = Path.GetDirectoryName(folder))
                missing.Add(folder);
            Directory.CreateDirectory(path);
            return missing;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            RemoveEmpty(missing);
            throw Refused(path, what, e);
        }
    }

    private static void RemoveEmpty(List<string> folders)
    {
        try
        {
            foreach (string folder in folders.Where(Directory.Exists))
                Directory.Delete(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Something is in it, which stays, and so does what is around it.
        }
    }

    private static BitisException Refused(string path, string what, Exception e) =>
        new(
            $"{path}: {what} cannot be {(Directory.Exists(path) ? "written to" : "created")}: {SystemMessage.Of(e)}.",
                e);
}
