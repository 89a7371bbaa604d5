using Bitis.Data.Decoding;

namespace Bitis.Data.Sources.Trees;

/// <summary>The files below a folder or inside an archive.</summary>
/// <remarks>
/// So image sets are recognized in the same way, wherever they are stored. Names are relative and use '/'. Hidden and
/// generated files are left out (<see cref="TreeClutter"/>).
/// </remarks>
internal abstract class FileTree : IDisposable
{
    /// <summary>The deepest nesting of folders.</summary>
    /// <remarks>
    /// Without a limit, the folders of a long name in an archive would take memory quadratic in its length. Links
    /// between folders would give exponentially many paths.
    /// </remarks>
    protected const int MaxDepth = 16;

    /// <summary>The formats of file extensions, by their names in <see cref="FileContent"/>.</summary>
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

    /// <summary>The tree's name in messages.</summary>
    public abstract string Path { get; }

    /// <summary>All files, in ordinal order.</summary>
    public abstract IReadOnlyList<string> Files { get; }

    /// <summary>All folders, also empty ones, without a trailing '/'.</summary>
    public abstract IReadOnlyCollection<string> Folders { get; }

    /// <summary>The files that were left out.</summary>
    public abstract TreeClutter Clutter { get; }

    /// <summary>The image format of a file's extension; null if it is none.</summary>
    public static string? FormatByName(string file) => Formats.GetValueOrDefault(System.IO.Path.GetExtension(file));

    /// <summary>Reads a whole file of at most <paramref name="maxBytes"/>. It is thread-safe.</summary>
    /// <exception cref="BitisException">The file cannot be read.</exception>
    public abstract byte[] Read(string file, int maxBytes);

    /// <summary>Reads the first bytes of a file, as many as it has and the buffer holds.</summary>
    /// <returns>The number of bytes.</returns>
    /// <exception cref="BitisException">The file cannot be read.</exception>
    public abstract int ReadStart(string file, Span<byte> start);

    /// <summary>Opens a file for random access.</summary>
    /// <param name="file">The file.</param>
    /// <param name="maxBytes">The most bytes in memory, if it has to be unpacked.</param>
    /// <exception cref="BitisException">The file cannot be opened, or is too long.</exception>
    public abstract DataFile OpenData(string file, int maxBytes);

    /// <summary>A file's name in messages.</summary>
    public string FullName(string file) => $"{Path}/{file}";

    /// <inheritdoc />
    public abstract void Dispose();
}
