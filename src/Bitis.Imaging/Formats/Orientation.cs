using NetVips;

namespace Bitis.Imaging.Formats;

/// <summary>The eight orientations of EXIF and TIFF (tag 0x0112).</summary>
internal static class Orientation
{
    /// <summary>The image is stored as it is shown.</summary>
    public const int Upright = 1;

    private const string Field = "orientation";

    /// <summary>The orientation in an image's metadata; upright if there is none, or an invalid one.</summary>
    public static int Of(Image image) =>
        image.Contains(Field) && image.Get(Field) is int value and >= Upright and <= 8 ? value : Upright;

    /// <summary>Turns and mirrors an image so that it is upright.</summary>
    /// <param name="image">The image as stored in its file.</param>
    /// <param name="orientation">1 to 8.</param>
    public static PixelImage Apply(PixelImage image, int orientation)
    {
        if (orientation == Upright)
            return image;
        bool swaps = orientation >= 5;
        (int width, int height) = swaps ? (image.Height, image.Width) : (image.Width, image.Height);
        byte[] turned = new byte[image.Pixels.Length];
        ReadOnlySpan<byte> pixels = image.Pixels;
        for (int y = 0, o = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++, o += image.Channels)
            {
                (int fromX, int fromY) = swaps ? (y, x) : (x, y);
                if (orientation is 2 or 3 or 7 or 8)
                    fromX = image.Width - 1 - fromX;
                if (orientation is 3 or 4 or 6 or 7)
                    fromY = image.Height - 1 - fromY;
                pixels.Slice((fromY * image.Width + fromX) * image.Channels, image.Channels).CopyTo(turned.AsSpan(o));
            }
        }
        return new PixelImage(width, height, image.Channels, turned);
    }
}
