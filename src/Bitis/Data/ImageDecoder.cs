using Bitis.Data.Codecs;

namespace Bitis.Data;

/// <summary>
/// Turns image files into pixels as the reference pipeline (Pillow's <c>Image.open(…).convert("RGB")</c>) does: alpha is
/// dropped, not blended; colour profiles, gamma and EXIF orientation are ignored. The format is found by content, never
/// by the file's name.
/// </summary>
/// <remarks>
/// Sizes are checked before memory is taken: at most 100 million pixels, and no more than the file's bytes can hold
/// (docs/limits.md).
/// </remarks>
public static class ImageDecoder
{
    /// <summary>Images with more pixels than this are refused before any memory is taken for them.</summary>
    public const int MaxPixels = 100_000_000;

    /// <summary>Files longer than this are refused unread.</summary>
    internal const int MaxFileBytes = 512 << 20;

    private static readonly (string Name, byte[] Signature)[] UnsupportedFormats =
    [
        ("GIF", "GIF8"u8.ToArray()),
        ("WebP (RIFF)", "RIFF"u8.ToArray()),
        ("TIFF", "II*\0"u8.ToArray()),
        ("TIFF", "MM\0*"u8.ToArray()),
    ];

    /// <summary>Reads and decodes an image file.</summary>
    /// <exception cref="BitisException">The file cannot be read or decoded.</exception>
    public static PixelImage Load(string path) => Decode(InputFile.ReadAllBytes(path, MaxFileBytes), path);

    /// <summary>Decodes a JPEG, PNG or BMP file that is in memory.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="BitisException">The bytes are not an image that can be decoded.</exception>
    public static PixelImage Decode(ReadOnlySpan<byte> file, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (JpegDecoder.Recognizes(file))
            return JpegDecoder.Decode(file, name);
        if (PngDecoder.Recognizes(file))
            return PngDecoder.Decode(file, name);
        if (BmpDecoder.Recognizes(file))
            return BmpDecoder.Decode(file, name);
        throw BitisException.InFile(name, DescribeUnknown(file));
    }

    /// <summary>Refuses sizes that are zero or exceed <see cref="MaxPixels"/>.</summary>
    internal static void CheckSize(long width, long height, string name)
    {
        if (width <= 0 || height <= 0)
            throw BitisException.InFile(name, $"the header states an empty image of {width}×{height} pixels.");
        if (width > MaxPixels || height > MaxPixels || width * height > MaxPixels)
        {
            throw BitisException.InFile(
                name, $"the image is {width}×{height} pixels; at most {MaxPixels / 1_000_000} million are accepted.");
        }
    }

    private static string DescribeUnknown(ReadOnlySpan<byte> file)
    {
        const string expected = "a JPEG, PNG or BMP image was expected";
        if (file.IsEmpty)
            return $"the file is empty; {expected}.";
        foreach ((string format, byte[] signature) in UnsupportedFormats)
        {
            if (file.StartsWith(signature))
                return $"{format} is not supported; {expected}. Convert it first.";
        }
        string start = Convert.ToHexString(file[..Math.Min(8, file.Length)]);
        return $"this is not an image; {expected}, but the file starts with {start}.";
    }
}
