using Microsoft.Win32.SafeHandles;

namespace Bitis.Files;

/// <summary>Writes a file so that it appears whole or not at all.</summary>
/// <remarks>
/// The contents go to a temporary file in the same folder, which is flushed to the disk, then renamed over the old
/// file. After a failure, the temporary file is deleted, and the old file stays as it was. What a killed process left
/// is removed by the next one. An existing file keeps its permissions and, if the system allows it, its owner. Its
/// other hard links keep the old file. Of a symbolic link, the target is replaced. A device or a pipe gets the bytes
/// one after another.
/// </remarks>
internal static class AtomicFile
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="write">Writes the contents, from the first byte to the last.</param>
    /// <param name="cancellationToken">Checked once more just before the file appears.</param>
    /// <exception cref="BitisException">The file cannot be written; the message says why.</exception>
    public static void Write(string path, Action<Stream> write, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        OutputTarget target = OutputTarget.Resolve(path);
        try
        {
            if (target.IsStream)
                WriteThrough(target, write);
            else
                Replace(target, write, cancellationToken);
        }
        catch (UnauthorizedAccessException e)
        {
            throw target.NoPermission(e);
        }
        catch (IOException e)
        {
            string hint = target.IsStream ? "" : "; nothing was changed. Check the disk's free space";
            throw OutputTarget.Refused(path, SystemMessage.Of(e) + hint, e);
        }
    }

    private static void WriteThrough(OutputTarget target, Action<Stream> write)
    {
        using SafeFileHandle? pipe = target.OpenPipe(); // opened first, so that opening it as a stream does not block
        using var stream = new FileStream(target.File, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        write(stream);
        stream.Flush();
    }

    private static void Replace(OutputTarget target, Action<Stream> write, CancellationToken cancellationToken)
    {
        TemporaryFiles.RemoveStale(target.Folder);
        string? temporary = null;
        try
        {
            // It stays open, and so locked, until it has its final name.
            using FileStream stream = TemporaryFiles.Create(target.Folder, target.Existing?.Mode);
            temporary = stream.Name;
            write(stream);
            stream.Flush(flushToDisk: true);
            cancellationToken.ThrowIfCancellationRequested();
            target.Existing?.ApplyTo(temporary);
            File.Move(temporary, target.File, overwrite: true);
        }
        finally
        {
            Delete(temporary);
        }
    }

    /// <summary>Deletes the temporary file of a failed attempt.</summary>
    private static void Delete(string? temporary)
    {
        try
        {
            if (temporary is not null)
                File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The original failure is already being reported, and is more useful than this one.
        }
    }
}
