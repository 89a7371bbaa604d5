namespace Bitis.Files;

/// <summary>What may be read: files, at the end of all links, whose names are UTF-8.</summary>
internal static class InputPath
{
    /// <summary>What .NET puts in the place of bytes that are not UTF-8.</summary>
    private const char Replacement = '\uFFFD';

    /// <summary>Refuses a name with bytes that are not UTF-8.</summary>
    /// <remarks>.NET knows it by another one only: there is nothing of that name, and an output would get it.</remarks>
    /// <param name="path">The path, as .NET gives it.</param>
    /// <exception cref="BitisException">It is such a name.</exception>
    public static void RequireUtf8(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Contains(Replacement, StringComparison.Ordinal) && !Path.Exists(path))
        {
            throw BitisException.InFile(
                path,
                $"the name has bytes that are not UTF-8 (each shown as {Replacement}), and cannot be used. "
                + "Rename the file or folder.");
        }
    }

    /// <summary>
    /// Refuses folders, pipes and devices before they are opened: opening a pipe waits for its writer, without a word,
    /// and none of them can be read at any place. What does not exist, or may not be looked at, is left to whoever
    /// opens it.
    /// </summary>
    /// <param name="path">The path, as the user gave it.</param>
    /// <param name="expected">What the file should be, for the message: <c>a checkpoint file</c>.</param>
    /// <exception cref="BitisException">It is something else than a file.</exception>
    public static void RequireFile(string path, string expected)
    {
        RequireUtf8(path);
        FileKind? kind;
        try
        {
            kind = FileFacts.Of(path)?.Kind;
        }
        catch (IOException e)
        {
            throw new BitisException($"{path}: there is no such file: {e.Message}.", e);
        }
        string? problem = kind switch
        {
            FileKind.Folder => $"this is a folder; {expected} was expected.",
            FileKind.Pipe => $"this is a pipe; {expected} was expected. Write what comes from it to a file first.",
            FileKind.Device or FileKind.Other => $"this is a device or a socket; {expected} was expected.",
            _ => null,
        };
        if (problem is not null)
            throw BitisException.InFile(path, problem);
    }
}
