namespace Bitis.Data.Decoding;

/// <summary>The limits for images and image files, which decoders must check (docs/limits.md).</summary>
internal static class ImageLimits
{
    /// <summary>The most pixels of an image; larger ones are refused before memory is allocated.</summary>
    public const int MaxPixels = 100_000_000;

    /// <summary>The most bytes of a file; longer ones are refused without being read.</summary>
    public const int MaxFileBytes = 512 << 20;

    /// <summary>Refuses an empty size, and one above <see cref="MaxPixels"/>.</summary>
    /// <param name="width">Pixels a row, as the file's header states it.</param>
    /// <param name="height">Rows, as the file's header states them.</param>
    /// <param name="name">The file's name in messages.</param>
    /// <exception cref="BitisException">The size is out of range.</exception>
    public static void CheckSize(long width, long height, string name)
    {
        if (width <= 0 || height <= 0)
            throw BitisException.InFile(name, $"the header states an empty image of {width}×{height} pixels.");
        if (width > MaxPixels || height > MaxPixels || width * height > MaxPixels)
        {
            throw BitisException.InFile(
                name, $"the image is {width}×{height} pixels; at most {MaxPixels / 1_000_000} million are accepted.");
        }
    }
}
