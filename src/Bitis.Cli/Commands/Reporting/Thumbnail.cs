using Bitis.Data.LabelMaps;
using Bitis.Data.Resampling;

namespace Bitis.Cli.Commands.Reporting;

/// <summary>Makes small pictures for a report.</summary>
internal static class Thumbnail
{
    /// <summary>The longer side of a thumbnail, in pixels.</summary>
    public const int Size = 96;

    /// <summary>How many images of a section have one.</summary>
    public const int Most = 24;

    private const int Gap = 2;
    private const byte GapGray = 128;

    /// <summary>An image in colours, at most as large as a side says.</summary>
    public static PixelImage Small(PixelImage image, int side = Size)
    {
        double scale = Math.Min(1, (double)side / Math.Max(image.Width, image.Height));
        PixelImage small = image.WithChannels(PixelImage.RgbChannels);
        return scale < 1
            ? Resampler.Resize(small, Weights(image.Width, scale), Weights(image.Height, scale))
            : small;
    }

    /// <summary>Images of one size beside each other.</summary>
    public static PixelImage SideBySide(params ReadOnlySpan<PixelImage> images)
    {
        const int channels = PixelImage.RgbChannels;
        int width = images[0].Width, height = images[0].Height, all = (images.Length * (width + Gap)) - Gap;
        byte[] pixels = new byte[all * height * channels];
        Array.Fill(pixels, GapGray);
        for (int i = 0; i < images.Length; i++)
        {
            for (int y = 0; y < height; y++)
                images[i].Row(y).CopyTo(pixels.AsSpan(((y * all) + (i * (width + Gap))) * channels));
        }
        return PixelImage.Rgb(all, height, pixels);
    }

    /// <summary>The image as a PNG file.</summary>
    public static byte[] Png(PixelImage image)
    {
        using var file = new MemoryStream();
        PngWriter.WriteColours(file, image);
        return file.ToArray();
    }

    private static ResampleWeights Weights(int size, double scale)
    {
        int target = Math.Max(1, (int)Math.Round(size * scale));
        return new ResampleWeights(size, target, 0, target, Interpolation.Bilinear);
    }
}
