using System.Buffers.Binary;
using System.Numerics;
using Bitis.Data.Decoding;

namespace Bitis.Imaging.Formats;

/// <summary>Decodes Windows bitmaps without compression.</summary>
/// <remarks>
/// Supported are palettes of 1, 4 and 8 bits, 24 and 32 bits (also with bit masks), bottom-up or top-down. Run-length
/// coded, 16-bit and OS/2 bitmaps are refused by name. The file holds all rows, so work and memory are at most 24 times
/// its size (pixels of one bit).
/// </remarks>
internal static class BmpDecoder
{
    private const int FileHeaderLength = 14;
    private const int InfoHeaderLength = 40;
    private const int PaletteEntryLength = 4;
    private const uint CompressionNone = 0;
    private const uint CompressionBitFields = 3;
    private const uint CompressionAlphaBitFields = 6;

    /// <summary>Decodes a whole BMP file.</summary>
    public static PixelImage Decode(ReadOnlySpan<byte> file, string name)
    {
        if (file.Length < FileHeaderLength + InfoHeaderLength)
        {
            throw BitisException.InFile(
                name,
                $"the BMP file has only {file.Length} bytes; its headers alone take "
                + $"{FileHeaderLength + InfoHeaderLength}.");
        }
        uint pixelOffset = BinaryPrimitives.ReadUInt32LittleEndian(file[10..]);
        ReadOnlySpan<byte> info = file[FileHeaderLength..];
        uint infoLength = BinaryPrimitives.ReadUInt32LittleEndian(info);
        if (infoLength < InfoHeaderLength)
        {
            throw BitisException.InFile(
                name,
                $"the BMP header has {infoLength} bytes; only Windows bitmaps ({InfoHeaderLength} or more) are "
                + "supported.");
        }

        int width = BinaryPrimitives.ReadInt32LittleEndian(info[4..]);
        long signedHeight = BinaryPrimitives.ReadInt32LittleEndian(info[8..]); // negative: rows from top to bottom
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(info[14..]);
        uint compression = BinaryPrimitives.ReadUInt32LittleEndian(info[16..]);
        uint paletteSize = BinaryPrimitives.ReadUInt32LittleEndian(info[32..]);
        bool hasMasks = compression is CompressionBitFields or CompressionAlphaBitFields && bits == 32;
        if (bits is not (1 or 4 or 8 or 24 or 32) || (compression != CompressionNone && !hasMasks))
        {
            throw BitisException.InFile(
                name,
                $"this kind of BMP ({bits} bits, compression {compression}) is not supported; save it uncompressed "
                + "with 24 bits, or as PNG.");
        }
        ImageLimits.CheckSize(width, Math.Abs(signedHeight), name);

        int height = (int)Math.Abs(signedHeight);
        long stride = ((long)width * bits + 31) / 32 * 4;
        if (pixelOffset > file.Length || stride * height > file.Length - pixelOffset)
        {
            throw BitisException.InFile(
                name,
                $"the BMP file is truncated: {width}×{height} pixels of {bits} bits take {stride * height} bytes "
                + $"from byte {pixelOffset}, and the file has {file.Length}.");
        }
        ReadOnlySpan<byte> palette = bits <= 8
            ? Palette(file, (long)FileHeaderLength + infoLength, paletteSize, bits, name)
            : default;
        ReadOnlySpan<byte> masks = hasMasks ? Masks(file, name) : default;

        byte[] rgb = new byte[width * height * PixelImage.RgbChannels];
        for (int y = 0; y < height; y++)
        {
            long storedRow = signedHeight < 0 ? y : height - 1 - y;
            ReadOnlySpan<byte> row = file.Slice((int)(pixelOffset + storedRow * stride), (int)stride);
            Span<byte> target = rgb.AsSpan(y * width * PixelImage.RgbChannels, width * PixelImage.RgbChannels);
            if (hasMasks)
                CopyMasked(row, masks, target);
            else if (bits <= 8)
                CopyIndexed(row, bits, palette, target);
            else
                CopyBgr(row, bits / 8, target);
        }
        return PixelImage.Rgb(width, height, rgb);
    }

    private static ReadOnlySpan<byte> Palette(
        ReadOnlySpan<byte> file, long offset, uint statedSize, int bits, string name)
    {
        int size = statedSize == 0 ? 1 << bits : (int)Math.Min(statedSize, 1u << bits);
        if (offset + size * PaletteEntryLength > file.Length)
        {
            throw BitisException.InFile(
                name,
                $"the BMP file is truncated: its palette of {size} colours is not complete.");
        }
        return file.Slice((int)offset, size * PaletteEntryLength);
    }

    private static ReadOnlySpan<byte> Masks(ReadOnlySpan<byte> file, string name)
    {
        const int offset = FileHeaderLength + InfoHeaderLength; // in or right after the header, at the same place
        const int length = PixelImage.RgbChannels * sizeof(uint);
        if (file.Length < offset + length)
            throw BitisException.InFile(name, "the BMP file is truncated: its colour masks are not complete.");
        ReadOnlySpan<byte> masks = file.Slice(offset, length);
        for (int c = 0; c < PixelImage.RgbChannels; c++)
        {
            uint mask = BinaryPrimitives.ReadUInt32LittleEndian(masks[(c * 4)..]);
            if (mask >> BitOperations.TrailingZeroCount(mask) != byte.MaxValue)
            {
                throw BitisException.InFile(
                    name,
                    $"the BMP file has the colour mask {mask:X8}; only masks of 8 bits are supported.");
            }
        }
        return masks;
    }

    private static void CopyBgr(ReadOnlySpan<byte> row, int bytesPerPixel, Span<byte> rgb)
    {
        for (int i = 0, o = 0; o < rgb.Length; i += bytesPerPixel, o += PixelImage.RgbChannels)
        {
            rgb[o] = row[i + 2];
            rgb[o + 1] = row[i + 1];
            rgb[o + 2] = row[i];
        }
    }

    private static void CopyIndexed(ReadOnlySpan<byte> row, int bits, ReadOnlySpan<byte> palette, Span<byte> rgb)
    {
        int perByte = 8 / bits;
        for (int x = 0; x < rgb.Length / PixelImage.RgbChannels; x++)
        {
            int shift = 8 - bits - x % perByte * bits; // the leftmost pixel is in the highest bits
            int entry = ((row[x / perByte] >> shift) & ((1 << bits) - 1)) * PaletteEntryLength;
            Span<byte> pixel = rgb.Slice(x * PixelImage.RgbChannels, PixelImage.RgbChannels);
            if (entry < palette.Length) // a colour beyond the palette stays black
                CopyBgr(palette[entry..], PaletteEntryLength, pixel);
        }
    }

    private static void CopyMasked(ReadOnlySpan<byte> row, ReadOnlySpan<byte> masks, Span<byte> rgb)
    {
        for (int c = 0; c < PixelImage.RgbChannels; c++)
        {
            int shift = BitOperations.TrailingZeroCount(BinaryPrimitives.ReadUInt32LittleEndian(masks[(c * 4)..]));
            for (int i = 0, o = c; o < rgb.Length; i += 4, o += PixelImage.RgbChannels)
                rgb[o] = (byte)(BinaryPrimitives.ReadUInt32LittleEndian(row[i..]) >> shift);
        }
    }
}
