using System.Buffers.Binary;
using Bitis.Data;
using NetVips;

namespace Bitis.Imaging.Formats;

/// <summary>
/// PNG files. Only the chunks that hold pixels are handed on: without gamma, profile and transparency chunks there is
/// nothing to convert, and the samples come out as Pillow shows them. It also means that decompression bombs in text and
/// profile chunks are never opened. Data that go on after the pixels are not inflated.
/// </summary>
internal static class PngFile
{
    /// <summary>Deflate's best ratio; a header that claims more pixels than this allows is refused.</summary>
    private const int MaxDeflateRatio = 1032;

    private const int ChunkOverhead = 12;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Decodes a whole file.</summary>
    public static PixelImage Decode(ReadOnlySpan<byte> file, bool turns, string name)
    {
        byte[] chunks = KeepPixelChunks(file, turns, name, out int length);
        return VipsDecoder.Decode(
            chunks.AsSpan(0, length),
            source => Image.PngloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Error),
            "PNG",
            name,
            turns: turns);
    }

    /// <summary>
    /// Copies the signature and the IHDR, PLTE, IDAT, IEND and perhaps the eXIf chunks, and checks the header on the way.
    /// </summary>
    private static byte[] KeepPixelChunks(
        ReadOnlySpan<byte> file, bool keepsExif, string name, out int length)
    {
        byte[] kept = new byte[file.Length];
        Signature.CopyTo(kept);
        length = Signature.Length;
        PngHeader header = default;
        long compressed = 0;
        int position = Signature.Length;
        while (true)
        {
            ReadOnlySpan<byte> rest = file[position..];
            if (rest.Length < ChunkOverhead)
                throw Truncated(name, position);
            uint dataLength = BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (dataLength > rest.Length - ChunkOverhead)
                throw Truncated(name, position);
            ReadOnlySpan<byte> chunk = rest[..(int)(dataLength + ChunkOverhead)];
            ReadOnlySpan<byte> type = chunk[4..8];
            bool isHeader = type.SequenceEqual("IHDR"u8);
            if (isHeader != (position == Signature.Length) || (isHeader && dataLength != PngHeader.Length))
            {
                throw BitisException.InFile(
                    name,
                    $"the PNG file does not start with one IHDR chunk of {PngHeader.Length} bytes.");
            }
            position += chunk.Length;

            if (isHeader)
            {
                header = PngHeader.Parse(chunk[8..]);
                ImageLimits.CheckSize(header.Width, header.Height, name);
            }
            bool isData = type.SequenceEqual("IDAT"u8);
            bool isEnd = type.SequenceEqual("IEND"u8);
            if (isData)
                compressed += dataLength;
            bool isExif = keepsExif && type.SequenceEqual("eXIf"u8);
            if (isHeader || isData || isEnd || isExif || type.SequenceEqual("PLTE"u8))
            {
                chunk.CopyTo(kept.AsSpan(length));
                length += chunk.Length;
            }
            if (isEnd)
                break;
        }

        if ((long)header.Width * header.Height * header.BitsPerPixel / 8 > compressed * MaxDeflateRatio)
        {
            throw BitisException.InFile(
                name,
                $"the PNG header claims {header.Width}×{header.Height} pixels, which {compressed} bytes of data "
                + "cannot hold; the file is truncated or damaged.");
        }
        return kept;
    }

    private static BitisException Truncated(string name, int position) =>
        BitisException.InFile(name, $"the PNG file is truncated: the chunk at byte {position} is not complete.");
}
