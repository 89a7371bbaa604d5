namespace Bitis.Files;

/// <summary>
/// The files that outputs are written to before they get their name: <c>.bitis-GUID.tmp</c> in the same folder.
/// </summary>
/// <remarks>
/// Whoever writes one holds a lock on it, which ends with the process; so one without a lock was left by a process that
/// was killed.
/// </remarks>
internal static class TemporaryFiles
{
    internal const string Prefix = ".bitis-", Suffix = ".tmp";

    /// <summary>How old a file without a lock must be in a network's folder, which may not show the locks of other
    /// machines.</summary>
    private static readonly TimeSpan UnlockedElsewhere = TimeSpan.FromDays(1);

    /// <summary>Creates and locks a temporary file; its lock is no hindrance to readers, and ends with the
    /// stream.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="mode">Its permissions at first; null for the usual.</param>
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
                // Perhaps as below.
            }
            // Between its creation and its lock another process took it for one that was left over: with a lock, that
            // is over.
        }
    }

    /// <summary>Removes what processes that were killed have left in a folder; what cannot be removed stays.</summary>
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
            // A folder that may not be listed; writing to it says more, if it fails.
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
                return; // opening a pipe would wait
            // Opens only if nobody has a lock.
            new FileStream(
                path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is being written to, is someone else's, or was removed by another process just now.
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
