using Bitis.Data.Decoding;
using NetVips;

namespace Bitis.Imaging.Formats;

/// <summary>Decodes with libvips, some rows at a time, on the caller's thread.</summary>
internal static class VipsDecoder
{
    /// <summary>The most bytes of rows that are decoded at once, unless one row takes more.</summary>
    private const int StripBytes = 1 << 16;

    /// <summary>Opens a file with the loader of its format; only its header is read.</summary>
    /// <param name="source">The file.</param>
    public delegate Image Loader(Source source);

    /// <summary>Decodes a file.</summary>
    /// <param name="file">The whole file, or the part of it that is passed on.</param>
    /// <param name="load">The loader of its format.</param>
    /// <param name="format">The format's name in messages.</param>
    /// <param name="name">The file's name in messages.</param>
    /// <param name="check">Checks the header before memory is allocated for pixels.</param>
    /// <param name="turns">Whether the image is turned as its metadata say.</param>
    /// <param name="isDamage">
    /// Whether a message of the library means that the image is damaged; null if no message does.
    /// </param>
    /// <exception cref="BitisException">
    /// The file is damaged, truncated, too large, or of an unsupported kind.
    /// </exception>
    public static PixelImage Decode(
        ReadOnlySpan<byte> file,
        Loader load,
        string format,
        string name,
        Action<Image>? check = null,
        bool turns = false,
        Func<string, bool>? isDamage = null)
    {
        VipsLibrary.Require(name);
        using Source source = Source.NewFromMemory(file);
        try
        {
            PixelImage image = VipsLibrary.Listen(
                () => Read(source, load, format, name, check, turns), out IReadOnlyList<string> log);
            return isDamage is not null && log.Any(isDamage)
                ? image.WithWarning($"the {format} file is damaged; it is used as other programs show it.")
                : image;
        }
        catch (VipsException e)
        {
            // The library's error text mixes the messages of all threads, so it is not shown.
            throw new BitisException($"{name}: the {format} file is truncated or damaged, and cannot be decoded.", e);
        }
    }

    private static PixelImage Read(
        Source source, Loader load, string format, string name, Action<Image>? check, bool turns)
    {
        using Image image = load(source);
        ImageLimits.CheckSize(image.Width, image.Height, name);
        check?.Invoke(image);
        PixelRows rows = PixelRows.Of(image)
            ?? throw BitisException.InFile(
                name,
                $"this kind of {format} ({DisplayText.Count(image.Bands, "channel")} of type {image.Format}, "
                + $"{image.Interpretation}) is not read; gray, RGB or CMYK of 8 or 16 bits was expected. Convert it "
                + "first.");
        int width = image.Width, height = image.Height;
        int orientation = turns ? Orientation.Of(image) : Orientation.Upright;
        int rowLength = width * PixelImage.RgbChannels;
        int stripRows = Math.Clamp(StripBytes / (width * rows.BytesPerPixel), 1, height);
        using Region region = Region.New(image);
        byte[] strip = region.Fetch(0, 0, width, stripRows); // memory is taken when the first rows are there
        byte[] rgb = new byte[height * rowLength];
        for (int y = 0; y < height; y += stripRows)
        {
            int count = Math.Min(stripRows, height - y);
            if (y > 0)
                strip = region.Fetch(0, y, width, count);
            rows.ToRgb(strip, rgb.AsSpan(y * rowLength, count * rowLength));
        }
        return Orientation.Apply(PixelImage.Rgb(width, height, rgb), orientation);
    }
}
