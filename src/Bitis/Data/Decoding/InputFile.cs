using Bitis.Data.Sources;
using Bitis.Files;

namespace Bitis.Data.Decoding;

/// <summary>Reads files that the user named, and turns failures of the file system into clear messages.</summary>
internal static class InputFile
{
    /// <summary>Opens a file for reading.</summary>
    public static FileStream Open(string path)
    {
        RequireFile(path);
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception e) when (IsFileSystemFailure(e))
        {
            throw Failure(path, e);
        }
    }

    /// <summary>The first <paramref name="length"/> bytes of a file, or all of a shorter one.</summary>
    public static byte[] ReadStart(string path, int length)
    {
        using var file = DataFile.Open(path);
        byte[] start = new byte[length];
        return start[..file.ReadStart(start)];
    }

    /// <summary>Reads a whole file that is at most <paramref name="maxBytes"/> long.</summary>
    public static byte[] ReadAllBytes(string path, int maxBytes)
    {
        using var file = DataFile.Open(path);
        return file.ReadAll(maxBytes);
    }

    /// <summary>Refuses a path that is not a regular file before it is opened.</summary>
    public static void RequireFile(string path) => InputPath.RequireFile(path, "a file of images");

    /// <summary>Whether an exception comes from the file system, not from a defect.</summary>
    public static bool IsFileSystemFailure(Exception e) =>
        e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    /// <summary>The message for a file or folder that cannot be read.</summary>
    public static BitisException Failure(string path, Exception e) => new(
        e is FileNotFoundException or DirectoryNotFoundException
            ? $"{path}: no such file or folder."
            : $"{path}: cannot be read: {e.Message}",
        e);
}
