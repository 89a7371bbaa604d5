namespace Bitis.Checkpoints;

/// <summary>
/// Writes a file so that it appears whole or not at all: to a temporary file in the same folder, flushed to the disk,
/// then
/// renamed over the old one. Whatever goes wrong before, the temporary file is deleted and the old file stays as it
/// was.
/// </summary>
public static class AtomicFile
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="write">Writes the contents.</param>
    /// <param name="cancellationToken">Checked once more just before the file appears.</param>
    /// <exception cref="BitisException">The file cannot be written; the message says why.</exception>
    public static void Write(string path, Action<Stream> write, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        string fullPath = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(fullPath) ?? fullPath;
        if (Directory.Exists(fullPath))
            throw BitisException.InFile(path, "cannot be written: this is a folder; give a file name.");
        if (!Directory.Exists(folder))
        {
            throw BitisException.InFile(
                path, $"cannot be written: the folder '{folder}' does not exist; create it first.");
        }

        string temporary = Path.Combine(folder, $".{Path.GetFileName(fullPath)}.{Guid.NewGuid():N}.tmp");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            cancellationToken.ThrowIfCancellationRequested();
            File.Move(temporary, fullPath, overwrite: true);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new BitisException($"{path}: cannot be written: no permission to write to the folder '{folder}'.", e);
        }
        catch (IOException e)
        {
            throw new BitisException(
                $"{path}: cannot be written: {e.Message.TrimEnd('.')}; nothing was changed. "
                + "Check the disk's free space.",
                e);
        }
        finally
        {
            Delete(temporary);
        }
    }

    /// <summary>Removes what a failed attempt left; after a success there is nothing to remove.</summary>
    private static void Delete(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The failure that brought us here is already on its way to the user, and says more than this one would.
        }
    }
}
