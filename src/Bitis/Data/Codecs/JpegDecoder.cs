using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Bitis.Data.Codecs;

/// <summary>
/// JPEG files, through libjpeg-turbo with Pillow's settings: accurate DCT, smooth chroma upsampling. A file decodes to at
/// most 512 pixels a byte, and <see cref="ImageDecoder.MaxPixels"/>; its scans pass over at most 16 times as many.
/// </summary>
internal static unsafe class JpegDecoder
{
    /// <summary>
    /// A Huffman-coded 8×8 block takes at least one bit, so a byte of the file makes at most this many pixels. A header
    /// that claims more is refused before memory is taken for it.
    /// </summary>
    private const int MaxPixelsPerByte = 8 * 64;

    /// <summary>
    /// Each scan of a progressive file passes over all pixels, and may take a few bytes only. Ordinary files have about
    /// ten.
    /// </summary>
    private const long MaxScannedPixels = 16L * ImageDecoder.MaxPixels;

    /// <summary>Whether the bytes start as a JPEG file does.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    /// <summary>Decodes a whole JPEG file.</summary>
    public static PixelImage Decode(ReadOnlySpan<byte> file, string name)
    {
        NativeCodec.RequireTurboJpeg(name);
        nint handle = TurboJpeg.InitDecompress();
        if (handle == 0)
            throw new InvalidOperationException("libjpeg-turbo could not create a decompressor.");
        try
        {
            int scans = CountScans(file);
            fixed (byte* start = file)
                return Decode(handle, start, file.Length, scans, name);
        }
        finally
        {
            _ = TurboJpeg.Destroy(handle);
        }
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

    private static PixelImage Decode(nint handle, byte* file, int length, int scans, string name)
    {
        int status = TurboJpeg.DecompressHeader(
            handle, file, new CULong((uint)length), out int width, out int height, out _, out int colorspace);

        // An uncommon chroma subsampling fails here although it decodes well; the sizes are known all the same.
        if (width <= 0 || height <= 0 || (status != 0 && colorspace < 0))
        {
            throw BitisException.InFile(
                name,
                "the JPEG file is truncated or damaged: it has no readable header with a size.");
        }
        ImageDecoder.CheckSize(width, height, name);
        if ((long)width * height > (long)length * MaxPixelsPerByte)
        {
            throw BitisException.InFile(
                name,
                $"the JPEG header claims {width}×{height} pixels, which {length} bytes cannot hold; the file is "
                + "truncated or damaged.");
        }
        if ((long)width * height * scans > MaxScannedPixels)
        {
            throw BitisException.InFile(
                name,
                $"the JPEG file has {scans} scans of {width}×{height} pixels; no camera or program makes as many. "
                + "Save it again with an image editor.");
        }

        if (colorspace is not (TurboJpeg.ColorspaceCmyk or TurboJpeg.ColorspaceYcck))
        {
            byte[] rgb =
                Decompress(handle, file, length, width, height, TurboJpeg.PixelFormatRgb, PixelImage.RgbChannels, name);
            return PixelImage.Rgb(width, height, rgb);
        }
        byte[] cmyk = Decompress(handle, file, length, width, height, TurboJpeg.PixelFormatCmyk, 4, name);
        return PixelImage.Rgb(width, height, RgbFromInvertedCmyk(cmyk));
    }

    private static byte[] Decompress(
        nint handle, byte* file, int length, int width, int height, int pixelFormat, int channels, string name)
    {
        byte[] pixels = new byte[(long)width * height * channels];
        fixed (byte* target = pixels)
        {
            const int flags = TurboJpeg.FlagAccurateDct | TurboJpeg.FlagLimitScans;
            int status = TurboJpeg.Decompress(
                handle, file, new CULong((uint)length), target, width, width * channels, height, pixelFormat, flags);
            if (status != 0)
                ThrowUnlessHarmless(handle, name);
        }
        return pixels;
    }

    /// <summary>
    /// Pillow shows what it can of a file with stray or wrong bits, but refuses one that ends too early. libjpeg reports
    /// both as warnings, told apart only by their text.
    /// </summary>
    private static void ThrowUnlessHarmless(nint handle, string name)
    {
        string text = ErrorText(handle);
        if (text.Contains("premature end", StringComparison.OrdinalIgnoreCase))
            throw BitisException.InFile(name, $"the JPEG file is truncated: {text}.");
        if (TurboJpeg.GetErrorCode(handle) != TurboJpeg.ErrorIsWarning)
            throw BitisException.InFile(name, $"the JPEG file cannot be decoded: {text}.");
    }

    /// <summary>
    /// Pillow's conversion: the file's values are inverted (Adobe's habit, assumed for all files), and a channel becomes
    /// <c>K − round(C·K / 255)</c> in terms of the inverted black K.
    /// </summary>
    private static byte[] RgbFromInvertedCmyk(byte[] cmyk)
    {
        byte[] rgb = new byte[cmyk.Length / 4 * PixelImage.RgbChannels];
        for (int i = 0, o = 0; o < rgb.Length; i += 4, o += PixelImage.RgbChannels)
        {
            int white = cmyk[i + 3];
            for (int c = 0; c < PixelImage.RgbChannels; c++)
            {
                int product = (255 - cmyk[i + c]) * white + 128;
                rgb[o + c] = (byte)(white - (((product >> 8) + product) >> 8));
            }
        }
        return rgb;
    }

    private static string ErrorText(nint handle) =>
        (Marshal.PtrToStringUTF8(TurboJpeg.GetErrorText(handle)) ?? "unknown error").TrimEnd('.', '\n');
}
