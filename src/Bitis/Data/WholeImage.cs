using Bitis.Tensors;

namespace Bitis.Data;

/// <summary>Images as models take them that see all of an image, as mmsegmentation's pipeline makes them.</summary>
internal static class WholeImage
{
    /// <summary>How much longer the longer side may be than the length of the shorter one: 2048 beside 512.</summary>
    private const int LongestRatio = 4;

    /// <summary>The size of an image after the resize, with its proportions.</summary>
    /// <param name="height">The image's height.</param>
    /// <param name="width">The image's width.</param>
    /// <param name="shorterSide">
    /// The length of the shorter side after the resize, unless the longer one is too long.
    /// </param>
    public static (int Height, int Width) SizeOf(int height, int width, int shorterSide)
    {
        double factor = Math.Min(
            (double)LongestRatio * shorterSide / Math.Max(height, width),
            (double)shorterSide / Math.Min(height, width));
        return (Math.Max(1, (int)((height * factor) + 0.5)), Math.Max(1, (int)((width * factor) + 0.5)));
    }

    /// <summary>The model's input for one image, <c>[1, channels, height, width]</c>.</summary>
    /// <remarks>The resize is bilinear without a filter against aliasing (OpenCV), and gives bytes.</remarks>
    /// <exception cref="BitisException">The image's channels cannot be converted to the model's.</exception>
    public static FloatTensor Prepare(PixelImage image, Preprocessing preprocessing)
    {
        int channels = preprocessing.Channels;
        image = image.WithChannels(channels);
        (int height, int width) = SizeOf(image.Height, image.Width, preprocessing.ResizeShorterSide);
        byte[] pixels = (height, width) == (image.Height, image.Width)
            ? image.Pixels.ToArray()
            : Resize(image, height, width);
        FloatTensor input = FloatTensor.Uninitialized([1, channels, height, width]);
        for (int i = 0; i < pixels.Length; i++)
        {
            int channel = i % channels;
            input.Span[(channel * height * width) + (i / channels)] =
                ((pixels[i] / 255f) - preprocessing.Mean[channel]) / preprocessing.Std[channel];
        }
        return input;
    }

    private static byte[] Resize(PixelImage image, int height, int width)
    {
        int channels = image.Channels;
        byte[] result = new byte[checked(height * width * channels)];
        for (int y = 0; y < height; y++)
        {
            (int top, int bottom, double low) = Source(y, image.Height, height);
            ReadOnlySpan<byte> upper = image.Row(top), lower = image.Row(bottom);
            for (int x = 0; x < width; x++)
            {
                (int left, int right, double far) = Source(x, image.Width, width);
                for (int c = 0; c < channels; c++)
                {
                    int near = (left * channels) + c, next = (right * channels) + c;
                    double above = upper[near] + (far * (upper[next] - upper[near]));
                    double below = lower[near] + (far * (lower[next] - lower[near]));
                    result[(((y * width) + x) * channels) + c] = (byte)(above + (low * (below - above)) + 0.5);
                }
            }
        }
        return result;
    }

    /// <summary>The two pixels between which one of the result lies, and the second one's share.</summary>
    private static (int First, int Second, double Share) Source(int index, int size, int outSize)
    {
        double place = Math.Clamp(((index + 0.5) * size / outSize) - 0.5, 0, size - 1);
        int first = (int)place;
        return (first, Math.Min(first + 1, size - 1), place - first);
    }
}
