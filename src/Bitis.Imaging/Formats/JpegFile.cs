using System.Buffers.Binary;
using Bitis.Data.Decoding;
using NetVips;

namespace Bitis.Imaging.Formats;

/// <summary>
/// JPEG files. As in Pillow, one that ends too early is refused, and stray or wrong bytes are passed over.
/// </summary>
/// <remarks>
/// A file decodes to at most 512 pixels a byte, and <see cref="ImageLimits.MaxPixels"/>. Its scans pass over at most 16
/// times as many.
/// </remarks>
internal static class JpegFile
{
    /// <summary>
    /// A Huffman-coded 8×8 block takes at least one bit, so a byte of the file makes at most this many pixels. A header
    /// that claims more is refused before memory is taken for it.
    /// </summary>
    private const int MaxPixelsPerByte = 8 * 64;

    /// <summary>Each scan of a progressive file passes over all pixels, and may take a few bytes only.</summary>
    /// <remarks>Ordinary files have about ten.</remarks>
    private const long MaxScannedPixels = 16L * ImageLimits.MaxPixels;

    /// <summary>Decodes a whole file.</summary>
    public static PixelImage Decode(ReadOnlySpan<byte> file, bool turns, string name)
    {
        int length = file.Length, scans = CountScans(file);
        return VipsDecoder.Decode(
            file,
            // Without a limit on warnings; Pillow has none.
            source => Image.JpegloadSource(
                source, unlimited: true, access: Enums.Access.Sequential, failOn: Enums.FailOn.Error),
            "JPEG",
            name,
            header => CheckCost(header, length, scans, name),
            turns,
            // Other messages are of what lies beside the picture, such as its resolution in print.
            isDamage: message => message.StartsWith("read gave", StringComparison.Ordinal));
    }

    /// <summary>The scans of a file: its markers 0xFFDA outside of other segments.</summary>
    internal static int CountScans(ReadOnlySpan<byte> file)
    {
        const byte startOfScan = 0xDA;
        int scans = 0;
        ReadOnlySpan<byte> rest = file;
        while (true)
        {
            int marker = rest.IndexOf(byte.MaxValue);
            if (marker < 0 || marker + 1 >= rest.Length)
                return scans;
            byte kind = rest[marker + 1];
            // A byte 0xFF of the data is followed by 0; padding, restarts, start and end of the image have no length.
            if (kind is byte.MaxValue)
            {
                rest = rest[(marker + 1)..];
                continue;
            }
            rest = rest[(marker + 2)..];
            if (kind is 0 or 1 or (>= 0xD0 and <= 0xD9))
                continue;
            if (kind == startOfScan)
                scans++;
            if (rest.Length < sizeof(ushort))
                return scans;
            int length = BinaryPrimitives.ReadUInt16BigEndian(rest);
            rest = rest[Math.Min(Math.Max(length, sizeof(ushort)), rest.Length)..];
        }
    }

    private static void CheckCost(Image header, int length, int scans, string name)
    {
        long pixels = (long)header.Width * header.Height;
        if (pixels > (long)length * MaxPixelsPerByte)
        {
            throw BitisException.InFile(
                name,
                $"the JPEG header claims {header.Width}×{header.Height} pixels, which {length} bytes cannot hold; "
                + "the file is truncated or damaged.");
        }
        if (pixels * scans > MaxScannedPixels)
        {
            throw BitisException.InFile(
                name,
                $"the JPEG file has {scans} scans of {header.Width}×{header.Height} pixels; "
                + "no camera or program makes as many. Save it again with an image editor.");
        }
    }
}
