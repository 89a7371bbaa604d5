using System.Buffers.Binary;
using System.IO.Compression;
using Bitis.Data.Decoding;
using NetVips;

namespace Bitis.Imaging.Formats;

/// <summary>PNG files. Only the chunks that hold pixels are handed on.</summary>
/// <remarks>
/// Without gamma, profile and transparency chunks there is nothing to convert, and samples come out as Pillow shows
/// them. Decompression bombs in text and profile chunks are never opened. Data that go on long after the pixels are
/// refused.
/// </remarks>
internal static class PngFile
{
    /// <summary>Deflate's best ratio; a header that claims more pixels than this allows is refused.</summary>
    private const int MaxDeflateRatio = 1032;

    /// <summary>Below this, whatever the data inflate to takes no time worth a look.</summary>
    private const int AlwaysAllowedBytes = 1 << 18;

    private const int ChunkOverhead = 12;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Decodes a whole file.</summary>
    public static PixelImage Decode(ReadOnlySpan<byte> file, bool turns, string name)
    {
        byte[] chunks = KeepPixelChunks(file, turns, name, out int length, out PngHeader header);
        RefuseEndlessData(chunks.AsSpan(0, length), header, name);
        return VipsDecoder.Decode(
            chunks.AsSpan(0, length),
            source => Image.PngloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Error),
            "PNG",
            name,
            turns: turns,
            isDamage: message => !message.Contains("exif", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Copies the signature, IHDR, PLTE, IDAT, IEND and perhaps eXIf; checks the header on the way.</summary>
    private static byte[] KeepPixelChunks(
        ReadOnlySpan<byte> file, bool keepsExif, string name, out int length, out PngHeader header)
    {
        byte[] kept = new byte[file.Length];
        Signature.CopyTo(kept);
        length = Signature.Length;
        header = default;
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

    /// <summary>The native library inflates the data to their end, even if the pixels have ended long before.</summary>
    /// <remarks>So it is made sure first that they inflate to about what the pixels take.</remarks>
    private static void RefuseEndlessData(ReadOnlySpan<byte> chunks, PngHeader header, string name)
    {
        if (chunks.Length <= AlwaysAllowedBytes)
            return;
        using var compressed = new MemoryStream(chunks.Length);
        for (ReadOnlySpan<byte> rest = chunks[Signature.Length..]; rest.Length > 0;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(rest);
            if (rest[4..8].SequenceEqual("IDAT"u8))
                compressed.Write(rest.Slice(8, length));
            rest = rest[(length + ChunkOverhead)..];
        }
        compressed.Position = 0;
        // Interlacing adds rows, each with its filter's byte; twice the plain size is more than it ever takes.
        long rowBytes = 1 + ((long)header.Width * header.BitsPerPixel + 7) / 8;
        long allowed = (2 * header.Height * rowBytes) + (AlwaysAllowedBytes * MaxDeflateRatio);
        using var inflater = new ZLibStream(compressed, CompressionMode.Decompress);
        byte[] buffer = new byte[1 << 16];
        try
        {
            int count;
            while ((count = inflater.Read(buffer)) > 0)
            {
                allowed -= count;
                if (allowed < 0)
                {
                    throw BitisException.InFile(
                        name,
                        $"the PNG file's data go on after its {header.Width}×{header.Height} pixels; "
                        + "it is damaged or made to exhaust a reader.");
                }
            }
        }
        catch (InvalidDataException)
        {
            // The native library finds the same damage, or has all pixels before it.
        }
    }

    private static BitisException Truncated(string name, int position) =>
        BitisException.InFile(name, $"the PNG file is truncated: the chunk at byte {position} is not complete.");
}
