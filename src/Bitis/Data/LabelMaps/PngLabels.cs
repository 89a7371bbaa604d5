using System.Buffers.Binary;
using System.IO.Compression;
using Bitis.Checkpoints.Torch.Zip;

namespace Bitis.Data.LabelMaps;

/// <summary>Reads PNG files whose samples are labels: gray, or indices of a palette.</summary>
/// <remarks>
/// An image decoder would give the palette's colours. Files of up to 16 bits a sample are read, without interlacing. A
/// file is data from others, so all sizes are checked before memory is taken.
/// </remarks>
internal static class PngLabels
{
    private const int HeaderLength = 13, ChunkFrame = 12, Gray = 0, Indexed = 3;
    private const int MaxSide = 32_768, MaxPixels = 1 << 28;

    /// <summary>The first bytes of each PNG file.</summary>
    internal static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <summary>Reads a file.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">Its name in messages.</param>
    /// <exception cref="BitisException">The bytes are no such file, or are damaged.</exception>
    public static LabelMap Read(ReadOnlySpan<byte> file, string name)
    {
        if (!file.StartsWith(Signature))
            throw Refused(name, "it is no PNG file; ground truth is read from PNG files only.");
        int width = 0, height = 0, bits = 0;
        bool isFirst = true, isEnded = false;
        using var compressed = new MemoryStream();
        for (int at = Signature.Length; !isEnded;)
        {
            if (at > file.Length - ChunkFrame)
                throw Refused(name, "the PNG file ends early; it is damaged.");
            long length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            if (length > file.Length - at - ChunkFrame)
                throw Refused(name, "the PNG file ends early; it is damaged.");
            ReadOnlySpan<byte> typeAndData = file.Slice(at + 4, (int)length + 4), data = typeAndData[4..];
            if (BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8 + (int)length)..]) != Crc32.Append(0, typeAndData))
                throw Refused(name, "a part of the PNG file does not match its checksum; it is damaged.");
            ReadOnlySpan<byte> type = typeAndData[..4];
            if (isFirst != type.SequenceEqual("IHDR"u8))
                throw Refused(name, "the PNG file has its parts in another order; it is damaged.");
            if (isFirst)
                (width, height, bits) = ReadHeader(data, name);
            else if (type.SequenceEqual("IDAT"u8))
                compressed.Write(data);
            isEnded = type.SequenceEqual("IEND"u8);
            isFirst = false;
            at += (int)length + ChunkFrame;
        }
        compressed.Position = 0;
        return new LabelMap(width, height, Unpack(compressed, width, height, bits, name));
    }

    private static (int Width, int Height, int Bits) ReadHeader(ReadOnlySpan<byte> data, string name)
    {
        if (data.Length != HeaderLength)
            throw Refused(name, "the PNG file's header is damaged.");
        uint width = BinaryPrimitives.ReadUInt32BigEndian(data),
            height = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
        (int bits, int colours, int interlacing) = (data[8], data[9], data[12]);
        if (width is 0 or > MaxSide || height is 0 or > MaxSide || (long)width * height > MaxPixels)
            throw Refused(name, $"it has {width}×{height} pixels; expected at most {MaxSide} on each side.");
        if (colours is not (Gray or Indexed))
        {
            throw Refused(
                name, "its pixels are colours; ground truth has a label for each pixel: gray, or with a palette.");
        }
        if (bits is not (1 or 2 or 4 or 8 or 16) || (colours == Indexed && bits == 16))
            throw Refused(name, $"its samples have {bits} bits; the PNG file is damaged.");
        if (interlacing != 0)
            throw Refused(name, "it is interlaced, which ground truth is not; save it without.");
        return ((int)width, (int)height, bits);
    }

    private static ushort[] Unpack(Stream compressed, int width, int height, int bits, string name)
    {
        int length = ((width * bits) + 7) / 8, sample = Math.Max(1, bits / 8);
        var labels = new ushort[width * height];
        byte[] line = new byte[length], above = new byte[length];
        try
        {
            using var rows = new ZLibStream(compressed, CompressionMode.Decompress);
            for (int y = 0; y < height; y++)
            {
                int filter = rows.ReadByte();
                rows.ReadExactly(line);
                Unfilter(filter, line, above, sample, name);
                for (int x = 0; x < width; x++)
                    labels[(y * width) + x] = SampleAt(line, x, bits);
                (line, above) = (above, line);
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new BitisException($"{name}: the PNG file's pixels are damaged.", e);
        }
        return labels;
    }

    private static ushort SampleAt(byte[] line, int x, int bits)
    {
        if (bits == 16)
            return BinaryPrimitives.ReadUInt16BigEndian(line.AsSpan(2 * x));
        int bit = x * bits;
        return (ushort)(line[bit / 8] >> (8 - bits - (bit % 8)) & ((1 << bits) - 1));
    }

    /// <summary>Undoes the filter of a line.</summary>
    private static void Unfilter(int filter, byte[] line, byte[] above, int sample, string name)
    {
        if (filter is < 0 or > 4)
            throw Refused(name, "the PNG file's pixels are damaged.");
        for (int i = 0; i < line.Length; i++)
        {
            int left = i >= sample ? line[i - sample] : 0, up = above[i], corner = i >= sample ? above[i - sample] : 0;
            line[i] += (byte)(filter switch
            {
                1 => left,
                2 => up,
                3 => (left + up) / 2,
                4 => Paeth(left, up, corner),
                _ => 0,
            });
        }
    }

    /// <summary>The neighbour that is nearest to <c>left + up − corner</c>.</summary>
    private static int Paeth(int left, int up, int corner)
    {
        int toLeft = Math.Abs(up - corner), toUp = Math.Abs(left - corner),
            toCorner = Math.Abs(left + up - (2 * corner));
        return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }

    private static BitisException Refused(string name, string reason) => BitisException.InFile(name, reason);
}
