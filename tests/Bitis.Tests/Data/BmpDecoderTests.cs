
namespace Bitis.Tests.Data;

public sealed class BmpDecoderTests
{
    private static readonly byte[] TwoRows = [3, 2, 1, 6, 5, 4, 0, 0, 9, 8, 7, 12, 11, 10, 0, 0];

    [Fact]
    public void Rows_run_upwards_or_downwards_as_the_height_says()
    {
        Assert.Equal([7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6], Decode(TestImages.Bmp(2, 2, 24, TwoRows)));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], Decode(TestImages.Bmp(2, -2, 24, TwoRows)));
    }

    [Fact]
    public void The_fourth_byte_of_a_pixel_is_dropped() =>
        Assert.Equal([3, 2, 1], Decode(TestImages.Bmp(1, 1, 32, [1, 2, 3, 99])));

    [Fact]
    public void Bit_masks_say_where_the_channels_are() =>
        Assert.Equal(
            [2, 3, 4],
            Decode(
                TestImages.Bmp(1, 1, 32, [1, 2, 3, 4], compression: 3, 0, 0xFF, 0, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0xFF)));

    [Theory]
    [InlineData(8, new byte[] { 1, 0, 1, 0 })]
    [InlineData(4, new byte[] { 0x10, 0x10, 0, 0 })]
    [InlineData(1, new byte[] { 0b101_00000, 0, 0, 0 })]
    public void Palettes_of_all_widths_are_looked_up(ushort bits, byte[] row) =>
        Assert.Equal(
            [60, 50, 40, 30, 20, 10, 60, 50, 40],
            Decode(TestImages.Bmp(3, 1, bits, row, 0, 10, 20, 30, 0, 40, 50, 60, 0)));

    [Fact]
    public void A_colour_beyond_the_palette_is_black() =>
        Assert.Equal([0, 0, 0, 30, 20, 10], Decode(TestImages.Bmp(2, 1, 8, [9, 0, 0, 0], 0, 10, 20, 30, 0)));

    [Fact]
    public void What_is_not_supported_is_refused_by_name()
    {
        Assert.Contains("compression 1", Refusal(TestImages.Bmp(2, 1, 8, [2, 0, 0, 1], compression: 1)));
        Assert.Contains("16 bits", Refusal(TestImages.Bmp(2, 1, 16, [2, 0, 0, 1])));
        Assert.Contains(
            "masks of 8 bits",
            Refusal(TestImages.Bmp(1, 1, 32, [1, 2, 3, 4], 3, 0, 0x0F, 0, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0xFF)));
    }

    [Fact]
    public void Damaged_files_are_refused()
    {
        byte[] file = TestImages.Bmp(2, 2, 24, TwoRows);
        for (int length = 2; length < file.Length; length++)
            Assert.Throws<BitisException>(() => ImageDecoder.Default.Decode(file.AsSpan(0, length), "cut.bmp"));
        Assert.Contains("empty image", Refusal(TestImages.Bmp(0, 1, 24, [])));
        Assert.Contains("empty image", Refusal(TestImages.Bmp(-1, 1, 24, [])));
        Assert.Contains("at most 100 million", Refusal(TestImages.Bmp(60_000, int.MinValue, 24, [])));
        Assert.Contains("palette", Refusal(TestImages.Bmp(1, 1, 8, [0, 0, 0, 0])));
    }

    private static byte[] Decode(byte[] file) => ImageDecoder.Default.Decode(file, "test.bmp").Pixels.ToArray();

    private static string Refusal(byte[] file) => Assert.Throws<BitisException>(() => Decode(file)).Message;
}
