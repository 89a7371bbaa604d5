using System.Buffers.Binary;
using System.IO.Compression;
using Bitis.Data.LabelMaps;
using Bitis.Imaging;

namespace Bitis.Tests.Data;

/// <summary>Ground truth in PNG files, and the files that are written.</summary>
public sealed class PngLabelsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void Samples_of_all_sizes_are_read_through_all_filters(int bits)
    {
        (int width, int height) = (13, 10);
        int max = Math.Min(1 << bits, 60_000);
        ushort[] labels = [.. Enumerable.Range(0, width * height).Select(i => (ushort)(i * 7919 % max))];
        LabelMap map = PngLabels.Read(Png(width, height, bits, labels), "a.png");
        Assert.Equal((width, height), (map.Width, map.Height));
        Assert.Equal(labels, map.Labels);
    }

    [Fact]
    public void What_is_written_is_read_by_decoders_too()
    {
        byte[] indices = [0, 1, 2, 2, 1, 0], palette = [1, 2, 3, 40, 50, 60, 7, 8, 9];
        using var stream = new MemoryStream();
        PngWriter.WriteIndexed(stream, 3, 2, indices, palette);
        Assert.Equal(indices.Select(index => (ushort)index), PngLabels.Read(stream.ToArray(), "a.png").Labels);
        PixelImage image = new ImageDecoder().Decode(stream.ToArray(), "a.png");
        Assert.Equal(indices.SelectMany(index => palette[(3 * index)..(3 * index + 3)]), image.Pixels.ToArray());
        using var colours = new MemoryStream();
        PngWriter.WriteColours(colours, image);
        Assert.Equal(
            image.Pixels.ToArray(), new ImageDecoder().Decode(colours.ToArray(), "b.png").Pixels.ToArray());
        var e = Assert.Throws<BitisException>(() => PngLabels.Read(colours.ToArray(), "b.png"));
        Assert.Contains("colours", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_files_are_refused()
    {
        byte[] good = Png(4, 4, 8, new ushort[16]);
        Assert.Throws<BitisException>(() => PngLabels.Read("BM no PNG"u8, "a.bmp"));
        for (int length = 0; length < good.Length; length++)
        {
            byte[] cut = good[..length];
            Assert.Throws<BitisException>(() => PngLabels.Read(cut, "a.png"));
        }
        for (int i = 8; i < good.Length; i++)
        {
            byte[] changed = [.. good];
            changed[i] ^= 0x55;
            Assert.Throws<BitisException>(() => PngLabels.Read(changed, "a.png")); // checksums cover all of it
        }
    }

    [Fact]
    public void Without_its_zero_label_a_map_has_one_class_fewer()
    {
        var map = new LabelMap(2, 2, [0, 1, 150, 255]);
        Assert.Equal([255, 0, 149, 255], map.WithoutZeroLabel().Labels);
    }

    /// <summary>A gray PNG file whose lines have the filters 0 to 4 in turn.</summary>
    private static byte[] Png(int width, int height, int bits, ushort[] labels)
    {
        int length = ((width * bits) + 7) / 8, sample = Math.Max(1, bits / 8);
        byte[] above = new byte[length];
        using var rows = new MemoryStream();
        for (int y = 0; y < height; y++)
        {
            byte[] line = new byte[length];
            for (int x = 0; x < width; x++)
            {
                int label = labels[(y * width) + x], bit = x * bits;
                if (bits == 16)
                    BinaryPrimitives.WriteUInt16BigEndian(line.AsSpan(2 * x), (ushort)label);
                else
                    line[bit / 8] |= (byte)(label << (8 - bits - (bit % 8)));
            }
            rows.WriteByte((byte)(y % 5));
            for (int i = 0; i < length; i++)
            {
                int left = i >= sample ? line[i - sample] : 0, up = above[i],
                    corner = i >= sample ? above[i - sample] : 0;
                int near = new[] { left, up, corner }.MinBy(value => Math.Abs(left + up - corner - value));
                int[] guesses = [0, left, up, (left + up) / 2, near];
                rows.WriteByte((byte)(line[i] - guesses[y % 5]));
            }
            above = line;
        }
        using var file = new MemoryStream();
        PngWriter.WriteIndexed(file, width, height, new byte[width * height], new byte[3]); // a valid frame
        byte[] frame = file.ToArray(), header = frame[16..29];
        (header[8], header[9]) = ((byte)bits, 0);
        using var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write(rows.ToArray());
        return
        [
            .. frame[..8], .. Chunk("IHDR"u8, header), .. Chunk("IDAT"u8, compressed.ToArray()), .. Chunk("IEND"u8, []),
        ];
    }

    private static byte[] Chunk(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        byte[] typed = [.. type, .. data], number = new byte[4], check = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        uint crc = 0xFFFFFFFF;
        foreach (byte value in typed)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }
        BinaryPrimitives.WriteUInt32BigEndian(check, ~crc);
        return [.. number, .. typed, .. check];
    }
}
