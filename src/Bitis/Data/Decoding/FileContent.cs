using System.Text;
using System.Text.Unicode;

namespace Bitis.Data.Decoding;

/// <summary>Recognizes a file's format from its first bytes.</summary>
internal static class FileContent
{
    /// <summary>How many bytes are examined.</summary>
    public const int StartLength = 512;

    /// <summary>The name of a file without bytes.</summary>
    public const string Empty = "empty file";

    /// <summary>The name of text of no known format.</summary>
    public const string Text = "text";

    /// <summary>The name of everything that is not recognized.</summary>
    public const string Unknown = "unknown format";

    private const string WebPage = "web page", LfsPointer = "Git LFS pointer", NumpyArray = "NumPy array";
    private const string Pdf = "PDF", Video = "video (MP4)", Container = "RIFF container";
    private const int TarMagicOffset = 257, DicomMagicOffset = 128, BmpInfoOffset = 14;

    private static readonly (string Name, int Offset, byte[] Signature)[] Signatures =
    [
        ("JPEG", 0, [0xFF, 0xD8, 0xFF]),
        ("PNG", 0, [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]),
        ("GIF", 0, "GIF87a"u8.ToArray()),
        ("GIF", 0, "GIF89a"u8.ToArray()),
        ("camera raw (CR2)", 8, [(byte)'C', (byte)'R', 2, 0]),
        ("TIFF", 0, "II*\0"u8.ToArray()),
        ("TIFF", 0, "MM\0*"u8.ToArray()),
        ("TIFF", 0, "II+\0"u8.ToArray()),
        ("TIFF", 0, "MM\0+"u8.ToArray()),
        ("JPEG XL", 0, [0xFF, 0x0A]),
        ("JPEG XL", 0, [0, 0, 0, 12, (byte)'J', (byte)'X', (byte)'L', (byte)' ']),
        ("JPEG 2000", 0, [0, 0, 0, 12, (byte)'j', (byte)'P', (byte)' ', (byte)' ']),
        ("JPEG 2000", 0, [0xFF, 0x4F, 0xFF, 0x51]),
        ("Photoshop", 0, "8BPS"u8.ToArray()),
        (Pdf, 0, "%PDF-"u8.ToArray()),
        ("icon (ICO)", 0, [0, 0, 1, 0]),
        ("OpenEXR", 0, [0x76, 0x2F, 0x31, 0x01]),
        ("Radiance HDR", 0, "#?RADIANCE"u8.ToArray()),
        ("QOI", 0, "qoif"u8.ToArray()),
        ("FITS", 0, "SIMPLE  ="u8.ToArray()),
        ("DICOM", DicomMagicOffset, "DICM"u8.ToArray()),
        ("tar archive", TarMagicOffset, "ustar"u8.ToArray()),
        ("gzip file", 0, [0x1F, 0x8B]),
        ("zip archive", 0, "PK\u0003\u0004"u8.ToArray()),
        ("zip archive", 0, "PK\u0005\u0006"u8.ToArray()),
        ("bzip2 file", 0, "BZh"u8.ToArray()),
        ("xz file", 0, [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]),
        ("7z archive", 0, [(byte)'7', (byte)'z', 0xBC, 0xAF, 0x27, 0x1C]),
        ("Zstandard file", 0, [0x28, 0xB5, 0x2F, 0xFD]),
        ("RAR archive", 0, "Rar!"u8.ToArray()),
        (NumpyArray, 0, [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y']),
        (LfsPointer, 0, "version https://git-lfs"u8.ToArray()),
    ];

    /// <summary>The name of a file's format: <c>JPEG</c>, <c>AVIF</c>, <c>web page</c>, <c>text</c>.</summary>
    /// <param name="start">The first <see cref="StartLength"/> bytes, or all of a shorter file.</param>
    public static string NameOf(ReadOnlySpan<byte> start)
    {
        start = start[..Math.Min(start.Length, StartLength)];
        if (start.IsEmpty)
            return Empty;
        foreach ((string name, int offset, byte[] signature) in Signatures)
        {
            if (start.Length > offset && start[offset..].StartsWith(signature))
                return name;
        }
        return NameOfContainer(start) ?? (IsBmp(start) ? "BMP" : NameOfText(start) ?? Unknown);
    }

    /// <summary>Whether a name from <see cref="NameOf"/> is that of an image format, supported or not.</summary>
    internal static bool IsPicture(string name) =>
        name is not (Empty or Text or Unknown or Pdf or Video or Container) && !IsNoImage(name);

    /// <summary>The error for a file that is not an image, or not of a supported format.</summary>
    /// <param name="file">The file's name in the message.</param>
    /// <param name="start">Its first bytes.</param>
    /// <param name="formats">The supported formats.</param>
    public static BitisException RefuseAsImage(string file, ReadOnlySpan<byte> start, IReadOnlyList<string> formats)
    {
        ArgumentNullException.ThrowIfNull(formats);
        string expected = formats.Count == 1
            ? $"{formats[0]} was expected"
            : $"{string.Join(", ", formats.SkipLast(1))} or {formats[^1]} was expected";
        string name = NameOf(start);
        string found = name switch
        {
            Empty => "the file is empty",
            Text => "this is text, not an image",
            Unknown =>
                $"this is not an image (it starts with {Convert.ToHexString(start[..Math.Min(8, start.Length)])})",
            _ when IsNoImage(name) => $"this is {(name.StartsWith('x') ? "an" : "a")} {name}, not an image",
            _ => $"{name} is not read",
        };
        return BitisException.InFile(file, $"{found}; {expected}.{AdviceFor(name)}");
    }

    private static bool IsNoImage(string name) => name is WebPage or LfsPointer or NumpyArray || IsPacked(name);

    private static bool IsPacked(string name) =>
        name.EndsWith("archive", StringComparison.Ordinal) || name.EndsWith("file", StringComparison.Ordinal);

    private static string AdviceFor(string name) => name switch
    {
        Empty or Text or Unknown or NumpyArray => "",
        WebPage => " A download may have failed, or needs a login; download the image again.",
        LfsPointer => " Fetch the file itself with 'git lfs pull'.",
        _ when IsPacked(name) => " Unpack it first.",
        _ => " Convert it first.",
    };

    /// <summary>The format within a RIFF or ISO base media container; null for other files.</summary>
    private static string? NameOfContainer(ReadOnlySpan<byte> start)
    {
        if (start.Length < 12)
            return null;
        ReadOnlySpan<byte> brand = start[8..12];
        if (start.StartsWith("RIFF"u8))
            return brand.SequenceEqual("WEBP"u8) ? "WebP" : Container;
        if (!start[4..8].SequenceEqual("ftyp"u8))
            return null;
        return Encoding.Latin1.GetString(brand) switch
        {
            "avif" or "avis" => "AVIF",
            "heic" or "heix" or "heim" or "heis" or "hevc" or "hevx" or "mif1" or "msf1" => "HEIC",
            "crx " => "camera raw (CR3)",
            _ => Video,
        };
    }

    /// <summary>Whether a file is a BMP, by its two letters and the length of its header.</summary>
    private static bool IsBmp(ReadOnlySpan<byte> start) =>
        start.StartsWith("BM"u8)
        && (start.Length <= BmpInfoOffset || start[BmpInfoOffset] is 12 or 16 or 40 or 52 or 56 or 64 or 108 or 124);

    private static string? NameOfText(ReadOnlySpan<byte> start)
    {
        ReadOnlySpan<byte> mark = Encoding.UTF8.Preamble;
        ReadOnlySpan<byte> text = start.StartsWith(mark) ? start[mark.Length..] : start;
        if (IsPortableMap(text))
            return "portable map (PNM)";
        if (!IsText(text))
            return null;
        string characters = Encoding.UTF8.GetString(text).TrimStart();
        if (characters.StartsWith("<!doctype html", StringComparison.OrdinalIgnoreCase)
            || characters.StartsWith("<html", StringComparison.OrdinalIgnoreCase))
        {
            return WebPage;
        }
        bool isSvg = characters.StartsWith('<') && characters.Contains("<svg", StringComparison.OrdinalIgnoreCase);
        return isSvg ? "SVG" : Text;
    }

    /// <summary>Whether a file starts with <c>P1</c> to <c>P7</c> and a line end or blank.</summary>
    private static bool IsPortableMap(ReadOnlySpan<byte> start) =>
        start.Length > 2
        && start[0] == 'P'
        && start[1] is >= (byte)'1' and <= (byte)'7'
        && start[2] is (byte)'\n' or (byte)' ';

    /// <summary>
    /// Whether bytes are UTF-8 text without control characters except line ends; the last character may be cut.
    /// </summary>
    private static bool IsText(ReadOnlySpan<byte> start)
    {
        foreach (byte b in start)
        {
            if (b < ' ' && b is not ((byte)'\n' or (byte)'\r' or (byte)'\t' or (byte)'\f'))
                return false;
        }
        for (int cut = 0; cut < 4 && cut <= start.Length; cut++)
        {
            if (Utf8.IsValid(start[..^cut]))
                return cut == 0 || start.Length >= StartLength - Encoding.UTF8.Preamble.Length;
        }
        return false;
    }
}
