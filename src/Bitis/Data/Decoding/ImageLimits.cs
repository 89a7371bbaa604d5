namespace Bitis.Data.Decoding;

/// <summary>The largest images and image files that are read; a decoder keeps to them (docs/limits.md).</summary>
internal static class ImageLimits
{
    /// <summary>Images with more pixels than this are refused before any memory is taken for them.</summary>
    public const int MaxPixels = 100_000_000;

    /// <summary>Files longer than this, in bytes, are refused unread.</summary>
    public const int MaxFileBytes = 512 << 20;

    /// <summary>Refuses a size that is empty, or more than <see cref="MaxPixels"/>.</summary>
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
