namespace Bitis.Files;

/// <summary>Checks paths of inputs: regular files, after following links, with names in UTF-8.</summary>
internal static class InputPath
{
    /// <summary>The character that .NET substitutes for bytes that are not UTF-8.</summary>
    private const char Replacement = '\uFFFD';

    /// <summary>Refuses a name with bytes that are not UTF-8.</summary>
    /// <remarks>
    /// .NET replaces such bytes. So it cannot open the file, and would create outputs with another name.
    /// </remarks>
    /// <param name="path">The path from .NET.</param>
    /// <exception cref="BitisException">The name is not UTF-8.</exception>
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

    /// <summary>Refuses folders, pipes and devices before they are opened.</summary>
    /// <remarks>
    /// Opening a pipe would wait for its writer without a message. None of them can be read at any position. If the
    /// path does not exist or is not accessible, opening it gives the error.
    /// </remarks>
    /// <param name="path">The path, as the user gave it.</param>
    /// <param name="expected">What the file should be, for the message: <c>a checkpoint file</c>.</param>
    /// <exception cref="BitisException">The path is not a regular file.</exception>
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
