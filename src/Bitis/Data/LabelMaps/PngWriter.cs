using System.Buffers.Binary;
using System.IO.Compression;
using Bitis.Checkpoints.Torch.Zip;

namespace Bitis.Data.LabelMaps;

/// <summary>Writes PNG files of 8 bits: indices with a palette, or colours.</summary>
internal static class PngWriter
{
    private const byte Bits = 8, Colours = 2, Indexed = 3;

    /// <summary>Writes indices and their palette.</summary>
    /// <param name="stream">Receives the file.</param>
    /// <param name="width">Pixels a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="indices">The indices, row by row.</param>
    /// <param name="palette">Red, green and blue of each index, at most 256.</param>
    public static void WriteIndexed(
        Stream stream, int width, int height, ReadOnlySpan<byte> indices, ReadOnlySpan<byte> palette)
    {
        WriteStart(stream, width, height, Indexed);
        WriteChunk(stream, "PLTE"u8, palette);
        WriteEnd(stream, width, indices);
    }

    /// <summary>Writes colours.</summary>
    /// <param name="stream">Receives the file.</param>
    /// <param name="image">An image of three channels.</param>
    public static void WriteColours(Stream stream, PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        WriteStart(stream, image.Width, image.Height, Colours);
        WriteEnd(stream, image.Width * PixelImage.RgbChannels, image.Pixels);
    }

    private static void WriteStart(Stream stream, int width, int height, byte kind)
    {
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        (header[8], header[9]) = (Bits, kind);
        stream.Write(PngLabels.Signature);
        WriteChunk(stream, "IHDR"u8, header);
    }

    private static void WriteEnd(Stream stream, int rowLength, ReadOnlySpan<byte> pixels)
    {
        using var compressed = new MemoryStream();
        using (var rows = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (; pixels.Length > 0; pixels = pixels[rowLength..])
            {
                rows.WriteByte(0); // no filter: neighbours are mostly equal
                rows.Write(pixels[..rowLength]);
            }
        }
        WriteChunk(stream, "IDAT"u8, compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
        WriteChunk(stream, "IEND"u8, []);
    }

    private static void WriteChunk(Stream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        stream.Write(number);
        stream.Write(type);
        stream.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.Append(Crc32.Append(0, type), data));
        stream.Write(number);
    }
}
