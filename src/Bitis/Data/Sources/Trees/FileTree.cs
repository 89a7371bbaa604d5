using Bitis.Data.Decoding;

namespace Bitis.Data.Sources.Trees;

/// <summary>
/// The files below a folder or inside an archive, so that what an image set looks like need not depend on where it is
/// kept. Names are relative and use '/'. What is hidden or generated is left out (<see cref="TreeClutter"/>).
/// </summary>
internal abstract class FileTree : IDisposable
{
    /// <summary>How many folders a file may lie in.</summary>
    /// <remarks>
    /// Each folder of an archive's name is a name itself, so that a name of many would grow with its length squared;
    /// links between folders make paths in number exponential in the depth.
    /// </remarks>
    protected const int MaxDepth = 16;

    /// <summary>Formats by the extensions of their files, as <see cref="FileContent"/> calls them.</summary>
    private static readonly Dictionary<string, string> Formats = new(StringComparer.OrdinalIgnoreCase)
    {
        [".jpg"] = "JPEG",
        [".jpeg"] = "JPEG",
        [".jpe"] = "JPEG",
        [".jfif"] = "JPEG",
        [".jif"] = "JPEG",
        [".pjpeg"] = "JPEG",
        [".pjp"] = "JPEG",
        [".png"] = "PNG",
        [".bmp"] = "BMP",
        [".dib"] = "BMP",
        [".gif"] = "GIF",
        [".webp"] = "WebP",
        [".tif"] = "TIFF",
        [".tiff"] = "TIFF",
    };

    /// <summary>What messages call the tree.</summary>
    public abstract string Path { get; }

    /// <summary>All files, in ordinal order.</summary>
    public abstract IReadOnlyList<string> Files { get; }

    /// <summary>All folders, also empty ones, without a trailing '/'.</summary>
    public abstract IReadOnlyCollection<string> Folders { get; }

    /// <summary>What was left out.</summary>
    public abstract TreeClutter Clutter { get; }

    /// <summary>The format of images that a file's name claims; null if it claims none.</summary>
    public static string? FormatByName(string file) => Formats.GetValueOrDefault(System.IO.Path.GetExtension(file));

    /// <summary>
    /// Reads a whole file that is at most <paramref name="maxBytes"/> long. Safe to call from several threads.
    /// </summary>
    /// <exception cref="BitisException">It cannot be read.</exception>
    public abstract byte[] Read(string file, int maxBytes);

    /// <summary>Reads the first bytes of a file, as many as there are and fit.</summary>
    /// <returns>How many these are.</returns>
    /// <exception cref="BitisException">It cannot be read.</exception>
    public abstract int ReadStart(string file, Span<byte> start);

    /// <summary>Opens a file to be read at any place.</summary>
    /// <param name="file">The file.</param>
    /// <param name="maxBytes">How many bytes it may take in memory, where it has to be unpacked.</param>
    /// <exception cref="BitisException">It cannot be opened, or is too long.</exception>
    public abstract DataFile OpenData(string file, int maxBytes);

    /// <summary>What messages call a file.</summary>
    public string FullName(string file) => $"{Path}/{file}";

    /// <inheritdoc />
    public abstract void Dispose();
}
