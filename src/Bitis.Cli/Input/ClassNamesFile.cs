namespace Bitis.Cli.Input;

/// <summary>Reads the names of a model's classes from a text file, one a line.</summary>
/// <remarks>At most 16 MiB are read.</remarks>
internal static class ClassNamesFile
{
    /// <summary>More than any list of class names; a longer file is something else.</summary>
    private const int MaxBytes = 16 << 20;

    /// <summary>Reads the names; blank lines at the end do not count.</summary>
    /// <param name="path">The file.</param>
    /// <param name="classes">How many names there must be.</param>
    /// <exception cref="BitisException">The file cannot be read, or has another number of names.</exception>
    public static IReadOnlyList<string> Load(string path, int classes)
    {
        string text = BoundedText.Read(path, MaxBytes, "a file of class names")
            ?? throw BitisException.InFile(
                path,
                $"this is more than {MaxBytes >> 20} MiB long; {classes} class names were expected, one a line.");
        string[] names = [.. text.TrimEnd().Split('\n').Select(name => name.Trim())];
        if (names.Length != classes)
            throw BitisException.InFile(path, $"there are {names.Length} lines; the model has {classes} classes, one name a line was expected.");
        return names;
    }
}
