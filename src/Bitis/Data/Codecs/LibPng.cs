using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bitis.Data.Codecs;

/// <summary>
/// libpng's simplified reading interface. It is the only one that may be called from managed code: its functions catch
/// libpng's error jumps themselves and return zero.
/// </summary>
internal static unsafe partial class LibPng
{
    /// <summary><c>PNG_FORMAT_RGB</c>: three bytes a pixel.</summary>
    public const uint FormatRgb = 0x02;

    /// <summary><c>PNG_FORMAT_RGBA</c>: four bytes a pixel, colours not multiplied by alpha.</summary>
    public const uint FormatRgba = 0x03;

    /// <summary><c>PNG_FORMAT_FLAG_LINEAR | PNG_FORMAT_FLAG_COLOR</c>: three 16-bit values a pixel.</summary>
    public const uint FormatRgb16 = 0x06;

    /// <summary><c>PNG_IMAGE_FLAG_16BIT_sRGB</c>: a 16-bit file holds sRGB, not linear light, when it does not say.</summary>
    public const uint Flag16BitSrgb = 0x04;

    /// <summary><c>PNG_IMAGE_VERSION</c>.</summary>
    public const uint ImageVersion = 1;

    [LibraryImport(NativeCodec.PngLibrary, EntryPoint = "png_image_begin_read_from_memory")]
    public static partial int BeginReadFromMemory(Image* image, byte* memory, nuint size);

    /// <summary>Decodes into <paramref name="buffer"/>; a row stride of 0 means rows without gaps.</summary>
    [LibraryImport(NativeCodec.PngLibrary, EntryPoint = "png_image_finish_read")]
    public static partial int FinishRead(Image* image, void* background, void* buffer, int rowStride, void* colormap);

    [LibraryImport(NativeCodec.PngLibrary, EntryPoint = "png_image_free")]
    public static partial void Free(Image* image);

    /// <summary><c>png_image</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Image
    {
        public void* Opaque;
        public uint Version;
        public uint Width;
        public uint Height;
        public uint Format;
        public uint Flags;
        public uint ColormapEntries;
        public uint WarningOrError;
        public MessageText Message;
    }

    /// <summary>A zero-terminated text of at most 64 bytes.</summary>
    [InlineArray(64)]
    public struct MessageText
    {
        private byte _first;

        /// <inheritdoc />
        public override readonly string ToString()
        {
            ReadOnlySpan<byte> bytes = this;
            int end = bytes.IndexOf((byte)0);
            return System.Text.Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
        }
    }
}
