using Bitis.Data.Decoding;
using Bitis.Imaging.Formats;

namespace Bitis.Imaging;

/// <summary>
/// Turns image files into the pixels that Pillow's <c>Image.open(…).convert("RGB")</c> gives. Their content decides,
/// not their names.
/// </summary>
/// <remarks>
/// Alpha is dropped, not blended. Colour profiles and gamma are ignored. Of 16 bits the higher 8 count, of an animation
/// the first frame. JPEG, PNG, WebP, TIFF and GIF are decoded by libvips, on the caller's thread. Sizes are checked
/// before memory is taken: at most 100 million pixels, and no more than the file's bytes can hold (docs/limits.md).
/// </remarks>
internal sealed class ImageDecoder : IImageDecoder
{
    private static readonly string[] AllFormats = [Jpeg, Png, WebP, Tiff, Gif, Bmp];

    private const string Jpeg = "JPEG", Png = "PNG", WebP = "WebP", Tiff = "TIFF", Gif = "GIF", Bmp = "BMP";

    /// <summary>The decoder that ignores the orientation in EXIF, as Pillow does.</summary>
    public static ImageDecoder Default { get; } = new();

    /// <summary>Whether images are turned as their EXIF data say. Published evaluations do not turn them.</summary>
    /// <remarks>TIFF files are always turned, as Pillow does.</remarks>
    public bool AppliesExifOrientation { get; init; }

    /// <inheritdoc />
    public IReadOnlyList<string> Formats => AllFormats;

    /// <inheritdoc />
    public string? Settings => AppliesExifOrientation ? "turned as EXIF says" : null;

    /// <summary>The native library and its version, <c>libvips 8.18.7</c>; null if it cannot be loaded.</summary>
    public static string? NativeLibrary => VipsLibrary.Version;

    /// <summary>What to do if <see cref="NativeLibrary"/> is null.</summary>
    public static string NativeLibraryHint => VipsLibrary.Hint;

    /// <inheritdoc />
    public string? Identify(ReadOnlySpan<byte> start) =>
        FileContent.NameOf(start) is { } name && AllFormats.Contains(name) ? name : null;

    /// <inheritdoc />
    public PixelImage Decode(ReadOnlySpan<byte> file, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Identify(file) switch
        {
            Jpeg => JpegFile.Decode(file, AppliesExifOrientation, name),
            Png => PngFile.Decode(file, AppliesExifOrientation, name),
            WebP => WebPFile.Decode(file, AppliesExifOrientation, name),
            Tiff => TiffFile.Decode(file, name),
            Gif => GifFile.Decode(file, name),
            Bmp => BmpDecoder.Decode(file, name),
            _ => throw FileContent.RefuseAsImage(name, file, AllFormats),
        };
    }
}
