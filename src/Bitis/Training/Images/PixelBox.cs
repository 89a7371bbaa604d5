using Bitis.Tensors;

namespace Bitis.Training.Images;

/// <summary>A rectangle of pixels; it may be empty.</summary>
internal readonly record struct PixelBox(int Left, int Top, int Width, int Height)
{
    /// <summary>Draws CutMix's box (Yun et al. 2019): shaped like the image and centred anywhere in it.</summary>
    /// <remarks>The box is cut off at the image's edges. So it may be smaller than its share says.</remarks>
    /// <param name="height">The image's height in pixels.</param>
    /// <param name="width">The image's width in pixels.</param>
    /// <param name="share">The box's share of the area before it is cut off, 0…1.</param>
    /// <param name="random">Draws the centre.</param>
    public static PixelBox Draw(int height, int width, float share, SeededRandom random)
    {
        double side = Math.Sqrt(share);
        (int left, int right) = Interval(width);
        (int top, int bottom) = Interval(height);
        return new PixelBox(left, top, right - left, bottom - top);

        (int Start, int End) Interval(int size)
        {
            int length = (int)(size * side);
            int start = random.NextInt32(size) - length / 2;
            return (Math.Max(start, 0), Math.Min(start + length, size));
        }
    }
}
