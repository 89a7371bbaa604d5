
namespace Bitis.Tests.Data;

/// <summary>Kinds of PNG that the golden files do not cover, and damaged ones.</summary>
public sealed class PngDecoderTests
{
    [Fact]
    public void Samples_of_sixteen_bits_keep_their_high_byte()
    {
        byte[] gray = TestImages.Png(2, 1, 16, 0, [0, 0x12, 0xFF, 0xAB, 0x80]);
        byte[] rgb = TestImages.Png(1, 1, 16, 2, [0, 0x01, 0xFF, 0x80, 0xFF, 0xFE, 0xFF]);
        Assert.Equal([0x12, 0x12, 0x12, 0xAB, 0xAB, 0xAB], Decode(gray));
        Assert.Equal([0x01, 0x80, 0xFE], Decode(rgb));
    }

    [Fact]
    public void Sixteen_bits_with_alpha_keep_their_high_byte_too()
    {
        byte[] png = TestImages.Png(1, 1, 16, 6, [0, 0x10, 0xF0, 0x7F, 0x10, 0xFF, 0xFF, 0x00, 0x01]);
        Assert.Equal([0x10, 0x7F, 0xFF], Decode(png));
    }

    [Fact]
    public void Few_bits_of_gray_spread_over_the_whole_range()
    {
        Assert.Equal(
            [0, 0, 0, 85, 85, 85, 170, 170, 170, 255, 255, 255],
            Decode(TestImages.Png(4, 1, 2, 0, [0, 0b00_01_10_11])));
        Assert.Equal([255, 255, 255, 0, 0, 0], Decode(TestImages.Png(2, 1, 1, 0, [0, 0b10_000000])));
    }

    [Fact]
    public void Alpha_is_dropped_and_not_blended()
    {
        Assert.Equal([200, 100, 50, 7, 8, 9], Decode(TestImages.Png(2, 1, 8, 6, [0, 200, 100, 50, 0, 7, 8, 9, 128])));
        Assert.Equal([200, 200, 200], Decode(TestImages.Png(1, 1, 8, 4, [0, 200, 3])));
    }

    [Fact]
    public void Gamma_transparency_and_profiles_change_nothing()
    {
        byte[] plain = TestImages.Png(2, 1, 8, 2, [0, 10, 20, 30, 140, 150, 160]);
        byte[] decorated = TestImages.Png(
            2, 1, 8, 2, [0, 10, 20, 30, 140, 150, 160], interlaced: false,
            ("gAMA", [0, 1, 0x86, 0xA0]), ("iCCP", [1, 2, 3]), ("tRNS", [0, 10, 0, 20, 0, 30]), (
                "tEXt", "a\0b"u8.ToArray()));
        Assert.Equal(Decode(plain), Decode(decorated));
        byte[] palette = TestImages.Png(
            2, 1, 8, 3, [0, 1, 0], interlaced: false, ("PLTE", [1, 2, 3, 4, 5, 6]), ("tRNS", [0, 128]));
        Assert.Equal([4, 5, 6, 1, 2, 3], Decode(palette));
    }

    [Fact]
    public void Interlaced_pixels_land_where_they_belong()
    {
        // Adam7 on 3×2: pass 1 holds (0,0), pass 6 (1,0), pass 4 nothing, pass 5 (2,0) at x = 2, pass 7 row 1.
        byte[] passes =
        [
            0,
            11,
            /* pass 4: x = 2,
            y = 0 */ 0,
            13,
            /* pass 6: x = 1,
            y = 0 */ 0,
            12,
            /* pass 7: y = 1 */ 0,
            21,
            22,
            23,
        ];
        byte[] pixels = Decode(TestImages.Png(3, 2, 8, 0, passes, interlaced: true));
        Assert.Equal([11, 12, 13, 21, 22, 23], pixels.Where((_, i) => i % PixelImage.RgbChannels == 0));
    }

    [Theory]
    [InlineData(0, 0, "empty image of 0×0")]
    [InlineData(0, 5, "empty image of 0×5")]
    [InlineData(60_000, 60_000, "at most 100 million")]
    [InlineData(uint.MaxValue, 1, "at most 100 million")]
    [InlineData(9_000, 9_000, "cannot hold")]
    public void A_header_with_an_impossible_size_is_refused_before_memory_is_taken(
        uint width, uint height, string expected)
    {
        byte[] png = TestImages.Png(width, height, 8, 2, [0, 1, 2, 3]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        BitisException e = Assert.Throws<BitisException>(() => ImageDecoder.Default.Decode(png, "big.png"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.StartsWith("big.png: ", e.Message);
        Assert.Contains(expected, e.Message);
    }

    [Fact]
    public void Every_truncation_is_an_error()
    {
        byte[] png = GoldenImages.FileBytes("palette.png");
        for (int length = 8; length < png.Length; length += 97)
        {
            BitisException e = Assert.Throws<BitisException>(
                () => ImageDecoder.Default.Decode(png.AsSpan(0, length), "cut.png"));
            Assert.Contains("truncated", e.Message);
        }
    }

    [Fact]
    public void A_flipped_bit_in_the_data_is_an_error()
    {
        byte[] png = GoldenImages.FileBytes("rgb.png");
        png[5000] ^= 0x10;
        Assert.Contains(
            "damaged", Assert.Throws<BitisException>(() => ImageDecoder.Default.Decode(png, "bad.png")).Message);
    }

    [Fact]
    public void Missing_rows_are_an_error() =>
        Assert.Throws<BitisException>(() => Decode(TestImages.Png(1, 3, 8, 0, [0, 1, 0, 2])));

    private static byte[] Decode(byte[] file) => ImageDecoder.Default.Decode(file, "test.png").Pixels.ToArray();
}
