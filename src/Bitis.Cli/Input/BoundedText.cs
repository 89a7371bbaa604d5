using Bitis.Files;

namespace Bitis.Cli.Input;

/// <summary>Reads a small text file. Its bytes are counted while reading, whatever its stated length.</summary>
internal static class BoundedText
{
    /// <summary>The text of a file; null if it has more bytes than allowed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">The most bytes to read.</param>
    /// <param name="expected">What the file should be, for the message.</param>
    /// <exception cref="BitisException">
    /// The file does not exist, is not a regular file, is not UTF-8, or cannot be read.
    /// </exception>
    public static string? Read(string path, int maxBytes, string expected)
    {
        InputPath.RequireFile(path, expected);
        try
        {
            return ReadBounded(path, maxBytes);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BitisException($"{path}: there is no such file; {expected} was expected.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException($"{path}: this cannot be read: {e.Message}", e);
        }
    }

    private static string? ReadBounded(string path, int maxBytes)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        using var contents = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        int count;
        while ((count = stream.Read(buffer)) > 0)
        {
            if (contents.Length + count > maxBytes)
                return null;
            contents.Write(buffer, 0, count);
        }
        return InputText.Decode(contents.GetBuffer().AsSpan(0, (int)contents.Length), path);
    }
}
