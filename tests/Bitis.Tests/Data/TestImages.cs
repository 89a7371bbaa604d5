using System.Buffers.Binary;
using System.IO.Compression;

namespace Bitis.Tests.Data;

/// <summary>Writers for the image files that tests make up.</summary>
internal static class TestImages
{
    private const uint CrcPolynomial = 0xEDB88320;

    /// <summary>An image whose pixels are drawn from a seed.</summary>
    public static PixelImage Noise(int width, int height, int seed)
    {
        byte[] pixels = new byte[width * height * PixelImage.RgbChannels];
        new Random(seed).NextBytes(pixels);
        return PixelImage.Rgb(width, height, pixels);
    }

    /// <summary>A small valid PNG of one colour.</summary>
    public static byte[] SolidPng(byte red, byte green, byte blue) =>
        Png(1, 1, bitDepth: 8, colorType: 2, [0, red, green, blue]);

    /// <summary>A PNG file from its raw scanlines, each starting with its filter byte.</summary>
    public static byte[] Png(
        uint width, uint height, byte bitDepth, byte colorType, ReadOnlySpan<byte> scanlines, bool interlaced = false,
        params (string Type, byte[] Data)[] chunksBeforeData)
    {
        using var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write(scanlines);
        return PngOfData(width, height, bitDepth, colorType, compressed.ToArray(), interlaced, chunksBeforeData);
    }

    /// <summary>A PNG file from its compressed data.</summary>
    public static byte[] PngOfData(
        uint width, uint height, byte bitDepth, byte colorType, byte[] data, bool interlaced = false,
        params (string Type, byte[] Data)[] chunksBeforeData)
    {
        byte[] header = new byte[13];
        BinaryPrimitives.WriteUInt32BigEndian(header, width);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = (bitDepth, colorType, interlaced ? (byte)1 : (byte)0);

        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        WriteChunk(file, "IHDR", header);
        foreach ((string type, byte[] contents) in chunksBeforeData)
            WriteChunk(file, type, contents);
        WriteChunk(file, "IDAT", data);
        WriteChunk(file, "IEND", []);
        return file.ToArray();
    }

    /// <summary>A BMP file of an RGB image: 24 bits a pixel, rows from the bottom, padded to four bytes.</summary>
    public static byte[] Bmp(PixelImage image)
    {
        int stride = ((image.Width * 3) + 3) / 4 * 4;
        byte[] rows = new byte[stride * image.Height];
        for (int y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> row = image.Row(image.Height - 1 - y);
            for (int i = 0; i < row.Length; i++)
                rows[(y * stride) + i] = row[i - (i % 3) + 2 - (i % 3)]; // blue first
        }
        return Bmp(image.Width, image.Height, 24, rows);
    }

    /// <summary>A BMP file; the rows are as stored, padded to four bytes.</summary>
    public static byte[] Bmp(
        int width, int height, ushort bits, ReadOnlySpan<byte> rows, uint compression = 0, params byte[] paletteOrMasks)
    {
        byte[] file = new byte[54 + paletteOrMasks.Length + rows.Length];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), 54 + paletteOrMasks.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(28), bits);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(30), compression);
        if (bits <= 8)
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(46), paletteOrMasks.Length / 4);
        paletteOrMasks.CopyTo(file.AsSpan(54));
        rows.CopyTo(file.AsSpan(54 + paletteOrMasks.Length));
        return file;
    }

    private static void WriteChunk(MemoryStream file, string type, byte[] data)
    {
        byte[] chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        System.Text.Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        data.CopyTo(chunk, 8);
        uint crc = uint.MaxValue;
        foreach (byte b in chunk.AsSpan(4, 4 + data.Length))
        {
            crc ^= b;
            for (int i = 0; i < 8; i++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ CrcPolynomial : crc >> 1;
        }
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), ~crc);
        file.Write(chunk);
    }
}
