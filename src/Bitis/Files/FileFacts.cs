using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Bitis.Files;

/// <summary>What the system knows about a path, at the end of all links.</summary>
/// <remarks>Elsewhere than on Linux only files and folders are told apart, and a file's identity is its path.</remarks>
/// <param name="Kind">What it is.</param>
/// <param name="Identity">The same for two paths that lead to the same file.</param>
/// <param name="Names">How many names (hard links) the file has.</param>
/// <param name="Mode">Its permissions; null where there are none.</param>
/// <param name="Owner">Its owner's number; 0 where there is none.</param>
/// <param name="Group">Its group's number; 0 where there is none.</param>
/// <param name="IsMounted">Whether something is mounted just here, so that the file cannot be replaced.</param>
internal sealed partial record FileFacts(
    FileKind Kind, string Identity, uint Names, UnixFileMode? Mode, uint Owner, uint Group, bool IsMounted)
{
    private const int StatusLength = 256, FromCurrentFolder = -100, NoFollow = 0x100, BasicStatus = 0x7FF;
    private const int NameTooLong = 36, TooManyLinks = 40, MountRoot = 0x2000;
    private const int TypeMask = 0xF000, PipeType = 0x1000, DeviceType = 0x2000, FolderType = 0x4000, FileType = 0x8000;

    /// <summary>Looks at a path.</summary>
    /// <param name="path">The path.</param>
    /// <param name="followsLink">Whether a link stands for what it leads to.</param>
    /// <returns>The facts; null if there is nothing, or it may not be looked at.</returns>
    /// <exception cref="PathTooLongException">The system takes no names that long.</exception>
    /// <exception cref="IOException">Its links lead in a circle.</exception>
    public static FileFacts? Of(string path, bool followsLink = true)
    {
        if (!OperatingSystem.IsLinux())
            return WithoutStatus(path);
        Span<byte> status = stackalloc byte[StatusLength];
        int flags = followsLink ? 0 : NoFollow;
        if (Status(FromCurrentFolder, path, flags, BasicStatus, ref MemoryMarshal.GetReference(status)) != 0)
        {
            return Marshal.GetLastPInvokeError() switch
            {
                NameTooLong => throw new PathTooLongException("the name is too long"),
                TooManyLinks => throw new IOException("its links lead in a circle"),
                _ => null,
            };
        }
        int mode = BinaryPrimitives.ReadUInt16LittleEndian(status[28..]);
        return new FileFacts(
            (mode & TypeMask) switch
            {
                FileType => FileKind.File,
                FolderType => FileKind.Folder,
                DeviceType => FileKind.Device,
                PipeType => FileKind.Pipe,
                _ => FileKind.Other,
            },
            // device, number on it
            Convert.ToHexString(status.Slice(136, 8)) + Convert.ToHexString(status.Slice(32, 8)),
            BinaryPrimitives.ReadUInt32LittleEndian(status[16..]),
            (UnixFileMode)(mode & 0x1FF),
            BinaryPrimitives.ReadUInt32LittleEndian(status[20..]),
            BinaryPrimitives.ReadUInt32LittleEndian(status[24..]),
            (BinaryPrimitives.ReadUInt64LittleEndian(status[8..]) & MountRoot) != 0);
    }

    /// <summary>Whether this process may write to what is there; true where the system does not say.</summary>
    public static bool MayWrite(string path) => !OperatingSystem.IsLinux() || Access(path, mode: 2) == 0;

    /// <summary>Gives a file these permissions and, as far as the system allows, this owner and group.</summary>
    public void ApplyTo(string path)
    {
        if (OperatingSystem.IsWindows() || Mode is not { } mode)
            return;
        if (OperatingSystem.IsLinux() && ChangeOwner(path, Owner, Group) != 0)
            _ = ChangeOwner(path, uint.MaxValue, Group);
        try
        {
            File.SetUnixFileMode(path, mode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A file system without permissions, which cannot lose any.
        }
    }

    private static FileFacts? WithoutStatus(string path)
    {
        FileKind kind;
        if (Directory.Exists(path))
            kind = FileKind.Folder;
        else if (File.Exists(path))
            kind = FileKind.File;
        else
            return null;
        string end = Path.GetFullPath(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
        return new FileFacts(
            kind,
            OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? end.ToUpperInvariant() : end,
            1,
            OperatingSystem.IsWindows() ? null : File.GetUnixFileMode(path),
            0,
            0,
            IsMounted: false);
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int folder, string path, int flags, uint mask, ref byte status);

    [LibraryImport("libc", EntryPoint = "access", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint owner, uint group);
}
