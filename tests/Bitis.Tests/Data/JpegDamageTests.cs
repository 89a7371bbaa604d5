
namespace Bitis.Tests.Data;

/// <summary>Damaged JPEG files: what Pillow shows is shown, with a warning; what it refuses is refused.</summary>
public sealed class JpegDamageTests
{
    private const byte HuffmanTable = 0xC4, QuantizationTable = 0xDB, StartOfScan = 0xDA;

    private static ReadOnlySpan<byte> End => [0xFF, 0xD9];

    [Theory]
    [InlineData("tiny.jpg")]
    [InlineData("progressive444.jpg")]
    public void Whole_files_have_no_warning(string name) =>
        Assert.Null(ImageDecoder.Default.Decode(GoldenImages.FileBytes(name), name).Warning);

    [Fact]
    public void What_is_odd_beside_the_picture_is_no_damage()
    {
        byte[] jpeg = GoldenImages.FileBytes("tiny.jpg");
        Assert.Equal("JFIF"u8, jpeg.AsSpan(6, 4));
        (jpeg[13], jpeg[15], jpeg[17]) = (7, 72, 72); // 72 dots to an unknown unit
        Assert.Null(ImageDecoder.Default.Decode(jpeg, "unit.jpg").Warning);
    }

    [Theory]
    [InlineData("tiny.jpg")]
    [InlineData("progressive444.jpg")]
    public void Stray_bytes_between_segments_are_passed_over(string name)
    {
        byte[] jpeg = GoldenImages.FileBytes(name);
        int table = Marker(jpeg, QuantizationTable);
        PixelImage image = ImageDecoder.Default.Decode([.. jpeg[..table], 1, 2, 3, .. jpeg[table..]], "stray.jpg");
        Assert.Equal("the JPEG file is damaged; it is used as other programs show it.", image.Warning);
        Assert.True(image.Pixels.SequenceEqual(ImageDecoder.Default.Decode(jpeg, name).Pixels));
    }

    [Fact]
    public void Data_that_end_too_early_are_shown_as_far_as_they_go()
    {
        byte[] jpeg = GoldenImages.FileBytes("tiny.jpg");
        PixelImage image = ImageDecoder.Default.Decode([.. jpeg[..(jpeg.Length * 3 / 4)], .. End], "short.jpg");
        PixelImage whole = ImageDecoder.Default.Decode(jpeg, "whole.jpg");
        Assert.NotNull(image.Warning);
        Assert.True(image.Row(0).SequenceEqual(whole.Row(0)));
        Assert.False(image.Row(image.Height - 1).SequenceEqual(whole.Row(image.Height - 1)));
    }

    [Fact]
    public void Bytes_after_the_end_do_not_matter()
    {
        byte[] jpeg = GoldenImages.FileBytes("tiny.jpg");
        Assert.Null(ImageDecoder.Default.Decode([.. jpeg, .. "more"u8], "more.jpg").Warning);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void A_file_cut_in_its_tables_is_refused_even_after_a_warning(int stray)
    {
        byte[] jpeg = GoldenImages.FileBytes("progressive444.jpg");
        int table = Marker(jpeg, QuantizationTable);
        byte[] file = [.. jpeg[..table], .. new byte[stray], .. jpeg[table..]];
        int scan = Marker(file, StartOfScan);
        for (int start = Marker(file, HuffmanTable); start >= 0; start = Marker(file, HuffmanTable, start + 2))
        {
            foreach (int length in (int[])[2, 3, 4, 10, 22])
            {
                byte[] cut = file[..(start + length)];
                Assert.Throws<BitisException>(() => ImageDecoder.Default.Decode(cut, "cut.jpg"));
                if (start < scan)
                    Assert.Throws<BitisException>(() => ImageDecoder.Default.Decode([.. cut, .. End], "cut.jpg"));
            }
        }
    }

    [Fact]
    public void A_wrong_table_after_a_warning_is_refused_and_gives_no_black_image()
    {
        byte[] jpeg = GoldenImages.FileBytes("progressive444.jpg");
        int first = Marker(jpeg, QuantizationTable), table = Marker(jpeg, HuffmanTable, Marker(jpeg, StartOfScan));
        jpeg.AsSpan(table + 5, 16).Fill(byte.MaxValue); // more codes than there can be
        byte[] file = [.. jpeg[..first], 1, 2, 3, .. jpeg[first..]];
        string message = Assert.Throws<BitisException>(() => ImageDecoder.Default.Decode(file, "table.jpg")).Message;
        Assert.Contains("truncated or damaged", message);
    }

    [Fact]
    public void Images_that_are_decoded_at_once_get_their_own_warnings()
    {
        byte[] whole = GoldenImages.FileBytes("tiny.jpg");
        int table = Marker(whole, QuantizationTable);
        byte[] stray = [.. whole[..table], 1, 2, 3, .. whole[table..]];
        Parallel.For(0, 200, i =>
        {
            bool isStray = i % 3 == 0;
            PixelImage image = ImageDecoder.Default.Decode(isStray ? stray : whole, "a.jpg");
            Assert.Equal(isStray, image.Warning is not null);
        });
    }

    /// <summary>The place of the next marker of a kind; −1 if there is none.</summary>
    private static int Marker(ReadOnlySpan<byte> jpeg, byte kind, int from = 0)
    {
        int at = jpeg[from..].IndexOf([byte.MaxValue, kind]);
        return at < 0 ? -1 : from + at;
    }
}
