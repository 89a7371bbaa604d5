using System.Buffers.Binary;
using Bitis.Data.Codecs;

namespace Bitis.Data.Sources;

/// <summary>What a file is, as its first bytes show.</summary>
/// <param name="Name">In a word or two: <c>PNG</c>, <c>AVIF</c>, <c>text</c>.</param>
/// <param name="IsPicture">Whether it is a picture, readable or not.</param>
/// <param name="IsReadable">Whether it can be decoded here.</param>
internal readonly record struct FileContent(string Name, bool IsPicture, bool IsReadable)
{
    /// <summary>How many bytes are looked at.</summary>
    public const int StartLength = 256;

    private static readonly (string Name, int Offset, byte[] Signature)[] Pictures =
    [
        ("GIF", 0, "GIF8"u8.ToArray()),
        ("WebP", 8, "WEBP"u8.ToArray()),
        ("TIFF", 0, "II*\0"u8.ToArray()),
        ("TIFF", 0, "MM\0*"u8.ToArray()),
        ("AVIF", 4, "ftypavif"u8.ToArray()),
        ("AVIF", 4, "ftypavis"u8.ToArray()),
        ("HEIC", 4, "ftyphei"u8.ToArray()),
        ("HEIC", 4, "ftyphev"u8.ToArray()),
        ("HEIC", 4, "ftypmif1"u8.ToArray()),
        ("JPEG XL", 0, [0xFF, 0x0A]),
        ("JPEG XL", 4, "JXL "u8.ToArray()),
        ("JPEG 2000", 4, "jP  "u8.ToArray()),
        ("PSD", 0, "8BPS"u8.ToArray()),
    ];

    private static readonly (string Name, int Offset, byte[] Signature)[] Others =
    [
        ("PDF", 0, "%PDF"u8.ToArray()),
        ("zip", 0, "PK\u0003\u0004"u8.ToArray()),
        ("gzip", 0, [0x1F, 0x8B]),
        ("video", 4, "ftyp"u8.ToArray()),
        ("NumPy", 0, [0x93, .. "NUMPY"u8]),
    ];

    /// <summary>Tells by the first <see cref="StartLength"/> bytes, or all if there are fewer.</summary>
    public static FileContent Of(ReadOnlySpan<byte> start)
    {
        if (JpegDecoder.Recognizes(start))
            return new FileContent("JPEG", IsPicture: true, IsReadable: true);
        if (PngDecoder.Recognizes(start))
            return new FileContent("PNG", IsPicture: true, IsReadable: true);
        if (IsBitmap(start))
            return new FileContent("BMP", IsPicture: true, IsReadable: true);
        if (Find(Pictures, start) is { } picture)
            return new FileContent(picture, IsPicture: true, IsReadable: false);
        string other = Find(Others, start) ?? (start.IsEmpty ? "empty" : IsText(start) ? "text" : "other");
        return new FileContent(other, IsPicture: false, IsReadable: false);
    }

    /// <summary>A text may begin with "BM", too, so the length of the second header counts.</summary>
    private static bool IsBitmap(ReadOnlySpan<byte> start) =>
        BmpDecoder.Recognizes(start)
        && start.Length >= 18
        && BinaryPrimitives.ReadInt32LittleEndian(start[14..]) is 12 or 40 or 52 or 56 or 64 or 108 or 124;

    private static string? Find((string Name, int Offset, byte[] Signature)[] formats, ReadOnlySpan<byte> start)
    {
        foreach ((string name, int offset, byte[] signature) in formats)
        {
            if (start.Length > offset && start[offset..].StartsWith(signature))
                return name;
        }
        return null;
    }

    /// <summary>No control characters but those of lines, or the mark of UTF-16.</summary>
    private static bool IsText(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || start.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
            return true;
        foreach (byte value in start)
        {
            if (value is < (byte)' ' and not ((byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)'\f') or 0x7F)
                return false;
        }
        return true;
    }
}
