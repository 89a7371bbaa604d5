namespace Bitis.Cli.Input;

/// <summary>Reads class names from a text file with one name on each line.</summary>
/// <remarks>At most 16 MiB are read.</remarks>
internal static class ClassNamesFile
{
    /// <summary>The most bytes of a file, more than any list of class names has.</summary>
    private const int MaxBytes = 16 << 20;

    /// <summary>Reads the names of a model's classes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="classes">The required number of names.</param>
    /// <exception cref="BitisException">The file cannot be read, or has another number of names.</exception>
    public static IReadOnlyList<string> Load(string path, int classes)
    {
        IReadOnlyList<string> names = Load(path);
        return names.Count == classes
            ? names
            : throw BitisException.InFile(
                path,
                $"this has {DisplayText.Count(names.Count, "line")}; the model has "
                    + $"{DisplayText.Count(classes, "class")}, one name on each line was expected.");
    }

    /// <summary>Reads any number of names; blank lines at the end are ignored.</summary>
    /// <exception cref="BitisException">The file cannot be read, or a line before the last name is empty.</exception>
    public static IReadOnlyList<string> Load(string path)
    {
        string text = BoundedText.Read(path, MaxBytes, "a file of class names")
            ?? throw BitisException.InFile(
                path, $"this is more than {MaxBytes >> 20} MiB long; class names were expected, one on each line.");
        string[] names = [.. text.TrimEnd().Split('\n').Select(name => name.Trim())];
        return Array.IndexOf(names, "") is >= 0 and var empty
            ? throw BitisException.InFile(path, $"line {empty + 1} is empty; one class name on each line was expected.")
            : names;
    }
}
