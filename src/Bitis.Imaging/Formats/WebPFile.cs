using System.Buffers.Binary;
using Bitis.Data.Decoding;
using NetVips;

namespace Bitis.Imaging.Formats;

/// <summary>Decodes WebP files; of an animation, the first frame.</summary>
internal static class WebPFile
{
    private const int ChunkOffset = 12, DataOffset = 20, HeaderLength = 30;
    private const int SizeMask = 0x3FFF;

    /// <summary>Decodes a whole file.</summary>
    public static PixelImage Decode(ReadOnlySpan<byte> file, bool turns, string name)
    {
        // The library allocates memory for the pixels as soon as it has read the header. So the size is checked first.
        (int width, int height) = ReadSize(file, name);
        ImageLimits.CheckSize(width, height, name);
        return VipsDecoder.Decode(
            file,
            source => Image.WebploadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Error),
            "WebP",
            name,
            turns: turns);
    }

    /// <summary>The size that the first chunk states, by its kind.</summary>
    private static (int Width, int Height) ReadSize(ReadOnlySpan<byte> file, string name)
    {
        if (file.Length < HeaderLength)
            throw BitisException.InFile(name, $"the WebP file is truncated: it has only {file.Length} bytes.");
        ReadOnlySpan<byte> kind = file.Slice(ChunkOffset, 4), data = file[DataOffset..];
        if (kind.SequenceEqual("VP8X"u8))
            return (1 + UInt24(data[4..]), 1 + UInt24(data[7..]));
        if (kind.SequenceEqual("VP8L"u8))
        {
            uint bits = BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
            return (1 + (int)(bits & SizeMask), 1 + (int)(bits >> 14 & SizeMask));
        }
        if (kind.SequenceEqual("VP8 "u8))
        {
            return (
                BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & SizeMask,
                BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & SizeMask);
        }
        throw BitisException.InFile(name, "the WebP file is damaged: its first chunk is no picture.");
    }

    private static int UInt24(ReadOnlySpan<byte> bytes) => bytes[0] | bytes[1] << 8 | bytes[2] << 16;
}
