namespace Bitis.Files;

/// <summary>The temporary files of outputs: <c>.bitis-GUID.tmp</c> in the same folder.</summary>
/// <remarks>
/// The writer holds a lock on the file, which ends with the process. So a file without a lock was left by a process
/// that was killed.
/// </remarks>
internal static class TemporaryFiles
{
    internal const string Prefix = ".bitis-", Suffix = ".tmp";

    /// <summary>The age from which a file without a lock counts as abandoned in a network folder.</summary>
    /// <remarks>A network folder may not show the locks of other machines.</remarks>
    private static readonly TimeSpan UnlockedElsewhere = TimeSpan.FromDays(1);

    /// <summary>
    /// Creates and locks a temporary file. The lock does not block readers, and ends with the stream.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="mode">Its initial permissions; null for the default.</param>
    public static FileStream Create(string folder, UnixFileMode? mode)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.Read,
        };
        if (!OperatingSystem.IsWindows() && mode is not null)
            options.UnixCreateMode = mode;
        for (bool isSecond = false; ; isSecond = true)
        {
            string path = Path.Combine(folder, $"{Prefix}{Guid.NewGuid():N}{Suffix}");
            try
            {
                var stream = new FileStream(path, options);
                if (File.Exists(path))
                    return stream;
                stream.Dispose();
            }
            catch (IOException) when (!isSecond)
            {
                // Perhaps removed by another process, as described below.
            }
            // Before it was locked, another process may have removed it as abandoned. A locked file is safe.
        }
    }

    /// <summary>Removes abandoned temporary files of killed processes from a folder, if possible.</summary>
    public static void RemoveStale(string folder)
    {
        if (!HasLocks)
            return;
        try
        {
            foreach (string path in Directory.EnumerateFiles(folder, $"{Prefix}*{Suffix}"))
            {
                if (IsOurs(Path.GetFileName(path)))
                    RemoveIfStale(path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder cannot be listed. If writing to it fails, that error is more useful.
        }
    }

    private static bool HasLocks =>
        !(AppContext.TryGetSwitch("System.IO.DisableFileLocking", out bool off) && off)
        && Environment.GetEnvironmentVariable("DOTNET_SYSTEM_IO_DISABLEFILELOCKING") is null or "" or "0" or "false";

    private static bool IsOurs(string name) => Guid.TryParseExact(name[Prefix.Length..^Suffix.Length], "N", out _);

    private static void RemoveIfStale(string path)
    {
        try
        {
            if (!IsLocal(path) && DateTime.UtcNow - File.GetLastWriteTimeUtc(path) < UnlockedElsewhere)
                return;
            if (FileFacts.Of(path, followsLink: false) is not { Kind: FileKind.File })
                return; // opening a pipe would block
            // Opening succeeds only if there is no lock.
            new FileStream(
                path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The file is being written, belongs to another user, or was just removed.
        }
    }

    private static bool IsLocal(string path)
    {
        try
        {
            var drive = new DriveInfo(Path.GetDirectoryName(path)!);
            return drive.DriveType is DriveType.Fixed or DriveType.Ram or DriveType.Removable;
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
