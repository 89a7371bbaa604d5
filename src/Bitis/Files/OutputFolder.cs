namespace Bitis.Files;

/// <summary>Creates and checks folders for results.</summary>
internal static class OutputFolder
{
    /// <summary>Creates a folder if it is missing, and runs a function that fills it.</summary>
    /// <remarks>After a failure, folders that were created and are still empty are removed.</remarks>
    /// <param name="path">The folder.</param>
    /// <param name="fill">Writes to the folder.</param>
    /// <param name="what">Its name in the message.</param>
    /// <exception cref="BitisException">The folder cannot be created.</exception>
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

    /// <summary>
    /// Checks before long work that a folder can be created and written to. No file or folder remains.
    /// </summary>
    /// <param name="path">The folder.</param>
    /// <param name="what">Its name in the message.</param>
    /// <exception cref="BitisException">The folder cannot be created or written to.</exception>
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
                _ = FileFacts.Of(Path.Combine(existing, name)); // throws if the name is too long
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

    /// <summary>Creates a folder, and returns the folders that were missing, the innermost first.</summary>
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
            // The folder is not empty, so it and its parents stay.
        }
    }

    private static BitisException Refused(string path, string what, Exception e) =>
        new(
            $"{path}: {what} cannot be {(Directory.Exists(path) ? "written to" : "created")}: {SystemMessage.Of(e)}.",
                e);
}
