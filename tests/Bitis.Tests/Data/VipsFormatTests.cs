using System.Runtime.InteropServices;
using System.Text;
using NetVips;

namespace Bitis.Tests.Data;

/// <summary>WebP, TIFF and other kinds of files, written by libvips without loss.</summary>
public sealed class VipsFormatTests
{
    private const int Width = 5, Height = 3;

    private static readonly byte[] Svg =
        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"u8.ToArray();

    private static readonly byte[] Rgb = Samples<byte>(3, i => (byte)(7 * i));

    [Fact]
    public void WebP_without_loss_gives_its_pixels_and_drops_alpha()
    {
        using Image rgb = Make(Rgb, 3);
        Assert.Equal(Rgb, Decode(rgb.WebpsaveBuffer(lossless: true)).Pixels.ToArray());
        byte[] rgba = Samples<byte>(4, i => (byte)(i % 4 == 3 ? 100 : 11 * i));
        using Image translucent = Make(rgba, 4);
        byte[] file = translucent.WebpsaveBuffer(lossless: true, exact: true);
        Assert.Equal(WithoutLast(rgba, 4), Decode(file).Pixels.ToArray());
    }

    [Fact]
    public void Tiff_of_all_plain_kinds_gives_its_pixels()
    {
        foreach (Enums.ForeignTiffCompression compression in (Enums.ForeignTiffCompression[])
            [Enums.ForeignTiffCompression.None, Enums.ForeignTiffCompression.Deflate, Enums.ForeignTiffCompression.Lzw])
        {
            using Image rgb = Make(Rgb, 3);
            Assert.Equal(Rgb, Decode(rgb.TiffsaveBuffer(compression)).Pixels.ToArray());
            using Image tiled = Make(Rgb, 3);
            Assert.Equal(Rgb, Decode(tiled.TiffsaveBuffer(compression, tile: true)).Pixels.ToArray());
        }
        byte[] gray = Samples<byte>(1, i => (byte)(17 * i));
        using Image grayImage = Make(gray, 1);
        IEnumerable<byte> repeated = gray.SelectMany(value => (byte[])[value, value, value]);
        Assert.Equal(repeated, Decode(grayImage.TiffsaveBuffer()).Pixels.ToArray());
        byte[] rgba = Samples<byte>(4, i => (byte)(11 * i));
        using Image translucent = Make(rgba, 4);
        Assert.Equal(WithoutLast(rgba, 4), Decode(translucent.TiffsaveBuffer()).Pixels.ToArray());
    }

    [Fact]
    public void Sixteen_bits_keep_their_high_byte()
    {
        ushort[] samples = Samples<ushort>(3, i => (ushort)(i * 1400 + 200));
        using Image image = Make(samples, 3, Enums.Interpretation.Rgb16);
        byte[] expected = [.. samples.Select(sample => (byte)(sample >> 8))];
        Assert.Equal(expected, Decode(image.TiffsaveBuffer()).Pixels.ToArray());
        Assert.Equal(expected, Decode(image.PngsaveBuffer()).Pixels.ToArray());
    }

    [Fact]
    public void Inks_become_colours_as_in_Pillow()
    {
        byte[] cmyk = Samples<byte>(4, i => (byte)(13 * i));
        using Image image = Make(cmyk, 4, Enums.Interpretation.Cmyk);
        byte[] expected = new byte[Rgb.Length];
        for (int i = 0; i < expected.Length; i++)
        {
            double white = 255 - cmyk[i / 3 * 4 + 3];
            double ink = cmyk[i / 3 * 4 + i % 3] * white / 255;
            expected[i] = (byte)(white - Math.Round(ink, MidpointRounding.AwayFromZero));
        }
        Assert.Equal(expected, Decode(image.TiffsaveBuffer()).Pixels.ToArray());
    }

    [Fact]
    public void Kinds_without_a_plain_meaning_are_refused_by_name()
    {
        using Image floats = Make(Samples<float>(3, i => i), 3);
        Assert.Contains("3 channels of type Float", Refusal(floats.TiffsaveBuffer()));
        using Image lab = Make(Samples<float>(3, i => i), 3, Enums.Interpretation.Lab);
        Assert.Contains("Lab", Refusal(lab.TiffsaveBuffer()));
    }

    [Fact]
    public void Formats_that_are_not_read_are_named()
    {
        using Image image = Make(Samples<byte>(3, i => (byte)i), 3);
        byte[] avif = image.HeifsaveBuffer(compression: Enums.ForeignHeifCompression.Av1);
        Assert.Contains("AVIF is not read; JPEG, PNG", Refusal(avif));
        Assert.Contains("SVG is not read", Refusal(Svg));
        Assert.Contains("portable map (PNM) is not read", Refusal("P2\n2 1\n255\n1 2\n"u8.ToArray()));
        Assert.Contains("this is text", Refusal("1 2 3\n4 5 6\n"u8.ToArray()));
    }

    [Fact]
    public void Loaders_that_nobody_asked_for_are_blocked_and_nothing_is_kept()
    {
        Decode(Make(Rgb, 3).PngsaveBuffer());
        Assert.Throws<VipsException>(() => Image.SvgloadBuffer(Svg));
        Assert.Throws<VipsException>(() => Image.PpmloadBuffer("P2\n2 1\n255\n1 2\n"u8.ToArray()));
        Assert.Equal(1, global::NetVips.NetVips.Concurrency);
        Assert.Equal((0, 0), (Cache.Max, Cache.Size));
    }

    [Theory]
    [InlineData("webp")]
    [InlineData("tif")]
    [InlineData("gif")]
    public void Files_that_are_cut_off_are_refused(string format)
    {
        byte[] noise = new byte[64 * 64 * 3];
        new Random(1).NextBytes(noise);
        using Image image = Image.NewFromMemoryCopy<byte>(noise, 64, 64, 3, Enums.BandFormat.Uchar);
        byte[] file = image.WriteToBuffer($".{format}");
        foreach (int length in (int[])[8, 12, 20, 31, file.Length / 4, file.Length / 2, file.Length - 100])
            Assert.Throws<BitisException>(() => Decode(file[..length]));
    }

    [Fact]
    public void Headers_of_endless_size_take_no_memory()
    {
        foreach (string kind in (string[])["VP8X", "VP8L", "VP8 "])
        {
            byte[] start = Encoding.ASCII.GetBytes($"RIFF\0\0\0\0WEBP{kind}");
            byte[] webp = [.. start, .. Enumerable.Repeat(byte.MaxValue, 60)];
            Assert.Contains("at most 100 million", Refusal(webp));
        }
        byte[] gif = [.. "GIF89a"u8, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0];
        Assert.Contains("at most 100 million", Refusal(gif));
        using Image black = Image.Black(20_000, 6_000);
        Assert.Contains("at most 100 million", Refusal(black.TiffsaveBuffer(Enums.ForeignTiffCompression.Deflate)));
    }

    private static PixelImage Decode(byte[] file) => ImageDecoder.Default.Decode(file, "test");

    private static string Refusal(byte[] file) => Assert.Throws<BitisException>(() => Decode(file)).Message;

    private static T[] Samples<T>(int channels, Func<int, T> value) =>
        [.. Enumerable.Range(0, Width * Height * channels).Select(value)];

    private static byte[] WithoutLast(byte[] pixels, int channels) =>
        [.. pixels.Where((_, i) => i % channels < channels - 1)];

    private static Image Make<T>(T[] samples, int channels, Enums.Interpretation? interpretation = null)
        where T : unmanaged
    {
        Enums.BandFormat format = Marshal.SizeOf<T>() switch
        {
            1 => Enums.BandFormat.Uchar,
            2 => Enums.BandFormat.Ushort,
            _ => Enums.BandFormat.Float,
        };
        using Image image = Image.NewFromMemoryCopy<T>(samples, Width, Height, channels, format);
        Enums.Interpretation usual = channels < 3 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb;
        return image.Copy(interpretation: interpretation ?? usual);
    }
}
