namespace Bitis.Data.Sources;

/// <summary>
/// The files below a folder or inside a zip, so that what an image set looks like need not depend on where it is kept.
/// Names are relative and use '/'. Hidden files and folders are left out.
/// </summary>
internal abstract class FileTree : IDisposable
{
    /// <summary>
    /// How many folders a file may lie in. Each folder of a zip's name is a name itself, so that a name of many would
    /// grow with its length squared; links between folders make paths in number exponential in the depth.
    /// </summary>
    protected const int MaxDepth = 16;

    private static readonly string[] ImageExtensions = [".jpg", ".jpeg", ".jpe", ".png", ".bmp"];

    /// <summary>What messages call the tree.</summary>
    public abstract string Path { get; }

    /// <summary>All files, in ordinal order.</summary>
    public abstract IReadOnlyList<string> Files { get; }

    /// <summary>All folders, also empty ones, without a trailing '/'.</summary>
    public abstract IReadOnlyCollection<string> Folders { get; }

    /// <summary>Whether a file's extension is that of an image.</summary>
    public static bool IsImage(string file) =>
        ImageExtensions.Contains(System.IO.Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads a whole file that is at most <paramref name="maxBytes"/> long. Safe to call from several threads.</summary>
    /// <exception cref="BitisException">It cannot be read.</exception>
    public abstract byte[] Read(string file, int maxBytes);

    /// <summary>What messages call a file.</summary>
    public string FullName(string file) => $"{Path}/{file}";

    /// <inheritdoc />
    public abstract void Dispose();

    /// <summary>Whether any part of a relative name is hidden, or a system's litter in a zip.</summary>
    protected static bool IsHidden(string name) =>
        name.StartsWith('.')
        || name.Contains("/.", StringComparison.Ordinal)
        || name.StartsWith("__MACOSX", StringComparison.Ordinal);
}
