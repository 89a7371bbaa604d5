namespace Bitis;

/// <summary>A decoded image with one byte for each channel of a pixel: gray, or red, green and blue.</summary>
/// <remarks>
/// Rows go from top to bottom, pixels from left to right, without padding between rows. An application with a decoder
/// of its own creates an image from its pixels.
/// </remarks>
public sealed class PixelImage
{
    /// <summary>Bytes a pixel of a colour image.</summary>
    public const int RgbChannels = 3;

    /// <summary>
    /// The shares of red, green and blue in the luma of ITU-R 601, in 16-bit fixed point, as in Pillow.
    /// </summary>
    private const int RedShare = 19595, GreenShare = 38470, BlueShare = 7471, LumaBits = 16;

    private readonly byte[] _pixels;

    /// <summary>Creates an image over <paramref name="pixels"/> without a copy.</summary>
    /// <param name="width">Pixels a row, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="channels">Bytes a pixel, at least 1.</param>
    /// <param name="pixels"><c>[height, width, channels]</c> bytes.</param>
    /// <exception cref="ArgumentException">
    /// A size is not positive, or the number of bytes is not height × width × channels.
    /// </exception>
    public PixelImage(int width, int height, int channels, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentNullException.ThrowIfNull(pixels);
        if ((Int128)width * height * channels != pixels.Length)
        {
            throw new ArgumentException(
                $"{DisplayText.Count(pixels.Length, "byte")} are not {width}×{height} pixels of "
                    + $"{DisplayText.Count(channels, "byte")}, "
                + $"which take {(Int128)width * height * channels}.",
                nameof(pixels));
        }
        Width = width;
        Height = height;
        Channels = channels;
        _pixels = pixels;
    }

    /// <summary>Pixels a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Bytes a pixel: 1 for gray, 3 for red, green and blue.</summary>
    public int Channels { get; }

    /// <summary>What is wrong with the file that the pixels come from; null if nothing is.</summary>
    public string? Warning { get; private init; }

    /// <summary>All pixels, <c>[height, width, channels]</c>.</summary>
    public ReadOnlySpan<byte> Pixels => _pixels;

    /// <summary>A colour image over <paramref name="pixels"/>, <c>[height, width, 3]</c>.</summary>
    /// <exception cref="ArgumentException">A size is not positive, or the number of bytes is not height × width ×
    /// 3.</exception>
    public static PixelImage Rgb(int width, int height, byte[] pixels) => new(width, height, RgbChannels, pixels);

    /// <summary>A gray image over <paramref name="pixels"/>, <c>[height, width]</c>.</summary>
    /// <exception cref="ArgumentException">A size is not positive, or the number of bytes is not height ×
    /// width.</exception>
    public static PixelImage Gray(int width, int height, byte[] pixels) => new(width, height, channels: 1, pixels);

    /// <summary>The same pixels with a warning; nothing is copied.</summary>
    /// <param name="warning">What is wrong with the file that they come from.</param>
    public PixelImage WithWarning(string warning) => new(Width, Height, Channels, _pixels) { Warning = warning };

    /// <summary>One row, <c>[width, channels]</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public ReadOnlySpan<byte> Row(int y)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)y, (uint)Height, nameof(y));
        return _pixels.AsSpan(y * Width * Channels, Width * Channels);
    }

    /// <summary>The image with the number of channels that a model takes.</summary>
    /// <remarks>
    /// Colours become gray as in Pillow, <c>L = 0.299·R + 0.587·G + 0.114·B</c>. Gray becomes three equal colours.
    /// </remarks>
    /// <param name="channels">The number of channels that the model takes.</param>
    /// <exception cref="BitisException">This image's channels cannot be converted.</exception>
    public PixelImage WithChannels(int channels) => (Channels, channels) switch
    {
        _ when Channels == channels => this,
        (RgbChannels, 1) => Gray(Width, Height, Luma(_pixels)),
        (1, RgbChannels) => Rgb(Width, Height, Repeat(_pixels)),
        _ => throw new BitisException(
            $"The model takes images of {DisplayText.Count(channels, "channel")}, not of {Channels}. "
            + "Image files give 1 or 3; give others as tensors (InferenceSession.Run)."),
    };

    /// <summary>The size, for a debugger.</summary>
    public override string ToString() => $"PixelImage {Width}×{Height}×{Channels}";

    private static byte[] Luma(ReadOnlySpan<byte> rgb)
    {
        byte[] gray = new byte[rgb.Length / RgbChannels];
        for (int i = 0; i < gray.Length; i++)
        {
            ReadOnlySpan<byte> pixel = rgb.Slice(i * RgbChannels, RgbChannels);
            int sum = pixel[0] * RedShare + pixel[1] * GreenShare + pixel[2] * BlueShare;
            gray[i] = (byte)((sum + (1 << (LumaBits - 1))) >> LumaBits);
        }
        return gray;
    }

    private static byte[] Repeat(ReadOnlySpan<byte> gray)
    {
        byte[] rgb = new byte[checked(gray.Length * RgbChannels)];
        for (int i = 0; i < rgb.Length; i++)
            rgb[i] = gray[i / RgbChannels];
        return rgb;
    }
}
