using System.Buffers.Binary;
using Bitis.Data.Decoding;
using NetVips;

namespace Bitis.Imaging.Formats;

/// <summary>Decodes the first frame of GIF files. Transparent pixels have their palette colour, as in Pillow.</summary>
internal static class GifFile
{
    private const int HeaderLength = 13, FrameLength = 10, ColourLength = 3;
    private const byte Extension = 0x21, Frame = 0x2C, Trailer = 0x3B, GraphicControl = 0xF9;

    /// <summary>Decodes a whole file.</summary>
    public static PixelImage Decode(ReadOnlySpan<byte> file, string name) => VipsDecoder.Decode(
        FirstFrame(file, name),
        source => Image.GifloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Error),
        "GIF",
        name,
        isDamage: _ => true);

    /// <summary>The file up to the end of its first frame, without the mark of a transparent colour.</summary>
    /// <remarks>So other frames cost nothing, and no colour is lost.</remarks>
    private static byte[] FirstFrame(ReadOnlySpan<byte> file, string name)
    {
        if (file.Length < HeaderLength)
            throw Truncated(name);
        int width = BinaryPrimitives.ReadUInt16LittleEndian(file[6..]);
        int height = BinaryPrimitives.ReadUInt16LittleEndian(file[8..]);
        ImageLimits.CheckSize(width, height, name);
        byte[] kept = [.. file, Trailer];
        int position = HeaderLength + PaletteLength(file[10]);
        while (true)
        {
            if (position + FrameLength > file.Length)
                throw Truncated(name);
            bool isFrame = file[position] == Frame;
            if (!isFrame && file[position] != Extension)
                throw BitisException.InFile(name, $"the GIF file is damaged at byte {position}: a frame was expected.");
            if (!isFrame && file[position + 1] == GraphicControl)
                kept[position + 3] &= 0xFE;
            position += isFrame ? FrameLength + PaletteLength(file[position + FrameLength - 1]) + 1 : 2;
            position = SkipBlocks(file, position, name);
            if (!isFrame)
                continue;
            kept[position] = Trailer;
            return kept[..(position + 1)];
        }
    }

    /// <summary>Blocks of up to 255 bytes, the last of which is empty.</summary>
    private static int SkipBlocks(ReadOnlySpan<byte> file, int position, string name)
    {
        while (position < file.Length)
        {
            int length = file[position++];
            if (length == 0)
                return position;
            position += length;
        }
        throw Truncated(name);
    }

    private static int PaletteLength(byte flags) => (flags & 0x80) == 0 ? 0 : ColourLength << ((flags & 7) + 1);

    private static BitisException Truncated(string name) =>
        BitisException.InFile(name, "the GIF file is truncated: its first frame is not complete.");
}
