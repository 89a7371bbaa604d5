namespace Bitis.Data;

/// <summary>
/// A decoded picture: rows from top to bottom, pixels from left to right, three bytes (red, green, blue) a pixel and
/// nothing between rows. An application that has a decoder of its own creates one from its pixels.
/// </summary>
public sealed class RgbImage
{
    /// <summary>Bytes a pixel.</summary>
    public const int Channels = 3;

    private readonly byte[] _pixels;

    /// <summary>Creates an image over <paramref name="pixels"/>, which is kept, not copied.</summary>
    /// <param name="width">Pixels a row, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="pixels"><c>[height, width, 3]</c> bytes.</param>
    /// <exception cref="ArgumentException">A size is not positive, or the number of bytes is not height × width × 3.</exception>
    public RgbImage(int width, int height, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentNullException.ThrowIfNull(pixels);
        if ((long)width * height * Channels != pixels.Length)
        {
            throw new ArgumentException(
                $"{pixels.Length} bytes are not an RGB image of {width}×{height}, which takes {(long)width * height * Channels}.",
                nameof(pixels));
        }
        Width = width;
        Height = height;
        _pixels = pixels;
    }

    /// <summary>Pixels a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>All pixels, <c>[height, width, 3]</c>.</summary>
    public ReadOnlySpan<byte> Pixels => _pixels;

    /// <summary>One row, <c>[width, 3]</c>.</summary>
    public ReadOnlySpan<byte> Row(int y)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)y, (uint)Height, nameof(y));
        return _pixels.AsSpan(y * Width * Channels, Width * Channels);
    }

    /// <summary>The size, for a debugger.</summary>
    public override string ToString() => $"RgbImage {Width}×{Height}";
}
