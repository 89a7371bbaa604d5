using System.Runtime.InteropServices;
using NetVips;

namespace Bitis.Imaging.Formats;

/// <summary>Converts pixels from the layout of libvips to the values of Pillow.</summary>
/// <remarks>
/// Alpha is dropped. Of 16 bits, the higher 8 are used. CMYK becomes <c>R = (255 − K) − round(C·(255 − K) / 255)</c>.
/// </remarks>
/// <param name="Bands">Samples a pixel.</param>
/// <param name="Colours">How many of them are colours: 1 for gray, 3 for RGB, 4 for CMYK.</param>
/// <param name="BytesPerSample">1 or 2, in the machine's order.</param>
internal readonly record struct PixelRows(int Bands, int Colours, int BytesPerSample)
{
    private const int Gray = 1, Cmyk = 4;

    /// <summary>The bytes of one pixel.</summary>
    public int BytesPerPixel => Bands * BytesPerSample;

    /// <summary>The layout of an image; null if its kind cannot be converted to RGB.</summary>
    public static PixelRows? Of(Image image)
    {
        int colours = image.Interpretation switch
        {
            Enums.Interpretation.Bw or Enums.Interpretation.Grey16 => Gray,
            Enums.Interpretation.Srgb or Enums.Interpretation.Rgb16 => PixelImage.RgbChannels,
            Enums.Interpretation.Cmyk => Cmyk,
            _ => 0,
        };
        int bytes = image.Format switch
        {
            Enums.BandFormat.Uchar => 1,
            Enums.BandFormat.Ushort => 2,
            _ => 0,
        };
        return colours == 0 || bytes == 0 || image.Bands < colours || image.Bands > colours + 1
            ? null
            : new PixelRows(image.Bands, colours, bytes);
    }

    /// <summary>Converts some pixels.</summary>
    /// <param name="pixels">Pixels in the layout of libvips.</param>
    /// <param name="rgb">Three bytes for each.</param>
    public void ToRgb(ReadOnlySpan<byte> pixels, Span<byte> rgb)
    {
        if (BytesPerSample == 2)
            pixels = HighBytes(pixels);
        if (Colours == PixelImage.RgbChannels && Bands == Colours)
        {
            pixels.CopyTo(rgb);
            return;
        }
        for (int i = 0, o = 0; o < rgb.Length; i += Bands, o += PixelImage.RgbChannels)
        {
            ReadOnlySpan<byte> pixel = pixels.Slice(i, Bands);
            Span<byte> target = rgb.Slice(o, PixelImage.RgbChannels);
            if (Colours == Gray)
                target.Fill(pixel[0]);
            else if (Colours == Cmyk)
                FromCmyk(pixel, target);
            else
                pixel[..PixelImage.RgbChannels].CopyTo(target);
        }
    }

    private static byte[] HighBytes(ReadOnlySpan<byte> pixels)
    {
        ReadOnlySpan<ushort> samples = MemoryMarshal.Cast<byte, ushort>(pixels);
        byte[] high = new byte[samples.Length];
        for (int i = 0; i < high.Length; i++)
            high[i] = (byte)(samples[i] >> 8);
        return high;
    }

    private static void FromCmyk(ReadOnlySpan<byte> cmyk, Span<byte> rgb)
    {
        int white = byte.MaxValue - cmyk[^1];
        for (int c = 0; c < rgb.Length; c++)
        {
            int product = cmyk[c] * white + 128;
            rgb[c] = (byte)(white - (((product >> 8) + product) >> 8));
        }
    }
}
