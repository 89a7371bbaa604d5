
namespace Bitis.Tests.Data;

/// <summary>GIF files: the first frame, with the colours of the palette.</summary>
public sealed class GifTests
{
    private static readonly byte[] Palette = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120];

    [Fact]
    public void The_first_frame_is_shown_with_the_colours_of_its_palette()
    {
        byte[] file = Gif(Palette, [], Frame([0, 1, 2, 3]), Frame([3, 3, 3, 3]));
        Assert.Equal(Palette, Decode(file));
    }

    [Fact]
    public void A_transparent_colour_is_the_one_of_the_palette()
    {
        byte[] transparentOne = [0x21, 0xF9, 4, 1, 0, 0, 1, 0];
        Assert.Equal(Palette, Decode(Gif(Palette, transparentOne, Frame([0, 1, 2, 3]))));
    }

    [Fact]
    public void Comments_and_what_follows_the_first_frame_do_not_matter()
    {
        byte[] comment = [0x21, 0xFE, 3, 1, 2, 3, 0];
        byte[] file = Gif(Palette, comment, Frame([0, 1, 2, 3]));
        Assert.Equal(Palette, Decode([.. file[..^1], 0x2C, 9, 9]));
    }

    [Fact]
    public void A_palette_of_the_frame_comes_before_that_of_the_file()
    {
        byte[] frame = Frame([0, 1, 2, 3]);
        frame[9] = 0x81; // four colours follow
        byte[] own = [.. Palette.Select(value => (byte)(255 - value))];
        Assert.Equal(own, Decode(Gif(Palette, [], [.. frame[..10], .. own, .. frame[10..]])));
    }

    [Fact]
    public void Every_truncation_of_the_first_frame_is_an_error()
    {
        byte[] file = Gif(Palette, [], Frame([0, 1, 2, 3]));
        for (int length = 6; length < file.Length - 1; length++)
        {
            string message = Assert.Throws<BitisException>(() => Decode(file[..length])).Message;
            Assert.Contains("the GIF file is truncated", message);
        }
        Assert.Equal(Palette, Decode(file[..^1]));
    }

    [Fact]
    public void What_is_no_frame_is_refused_with_its_place()
    {
        byte[] file = Gif(Palette, [0x77], Frame([0, 1, 2, 3]));
        Assert.Contains("damaged at byte 25", Assert.Throws<BitisException>(() => Decode(file)).Message);
    }

    private static byte[] Decode(byte[] file) => ImageDecoder.Default.Decode(file, "test.gif").Pixels.ToArray();

    /// <summary>A file of 2×2 pixels.</summary>
    private static byte[] Gif(byte[] palette, byte[] extensions, params byte[][] frames) =>
        [.. "GIF89a"u8, 2, 0, 2, 0, 0x81, 0, 0, .. palette, .. extensions, .. frames.SelectMany(frame => frame), 0x3B];

    /// <summary>A frame of 2×2 pixels. Codes have 3 bits; a clear code before each pixel keeps them so.</summary>
    private static byte[] Frame(ReadOnlySpan<byte> indices)
    {
        const int clear = 4, end = 5, bits = 3;
        List<int> codes = [];
        foreach (byte index in indices)
            codes.AddRange([clear, index]);
        codes.Add(end);
        byte[] data = new byte[(codes.Count * bits + 7) / 8];
        for (int i = 0; i < codes.Count * bits; i++)
            data[i / 8] |= (byte)((codes[i / bits] >> (i % bits) & 1) << (i % 8));
        return [0x2C, 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, (byte)data.Length, .. data, 0];
    }
}
