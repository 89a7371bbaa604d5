using System.Runtime.InteropServices;

namespace Bitis.Data.Codecs;

/// <summary>
/// The part of libjpeg-turbo's TurboJPEG interface (2.0 and later; 3.x keeps it) that decoding needs. Its functions catch
/// libjpeg's error jumps themselves, so nothing unwinds through managed code.
/// </summary>
internal static unsafe partial class TurboJpeg
{
    /// <summary><c>TJPF_RGB</c>: three bytes a pixel.</summary>
    public const int PixelFormatRgb = 0;

    /// <summary><c>TJPF_CMYK</c>: four bytes a pixel, as stored (Adobe files store them inverted).</summary>
    public const int PixelFormatCmyk = 11;

    /// <summary><c>TJCS_CMYK</c>.</summary>
    public const int ColorspaceCmyk = 3;

    /// <summary><c>TJCS_YCCK</c>.</summary>
    public const int ColorspaceYcck = 4;

    /// <summary><c>TJFLAG_ACCURATEDCT</c>: libjpeg's default inverse DCT (islow), which Pillow uses.</summary>
    public const int FlagAccurateDct = 4096;

    /// <summary><c>TJFLAG_LIMITSCANS</c>: refuse progressive files with an absurd number of scans.</summary>
    public const int FlagLimitScans = 32768;

    /// <summary><c>TJERR_WARNING</c>: the pixels were written, but the file is damaged.</summary>
    public const int ErrorIsWarning = 0;

    [LibraryImport(NativeCodec.TurboJpegLibrary, EntryPoint = "tjInitDecompress")]
    public static partial nint InitDecompress();

    [LibraryImport(NativeCodec.TurboJpegLibrary, EntryPoint = "tjDestroy")]
    public static partial int Destroy(nint handle);

    [LibraryImport(NativeCodec.TurboJpegLibrary, EntryPoint = "tjDecompressHeader3")]
    public static partial int DecompressHeader(
        nint handle, byte* file, CULong fileSize, out int width, out int height, out int subsampling, out int colorspace);

    [LibraryImport(NativeCodec.TurboJpegLibrary, EntryPoint = "tjDecompress2")]
    public static partial int Decompress(
        nint handle, byte* file, CULong fileSize, byte* pixels, int width, int pitch, int height, int pixelFormat, int flags);

    /// <summary>The last error's text; valid until the next call with the same handle.</summary>
    [LibraryImport(NativeCodec.TurboJpegLibrary, EntryPoint = "tjGetErrorStr2")]
    public static partial nint GetErrorText(nint handle);

    [LibraryImport(NativeCodec.TurboJpegLibrary, EntryPoint = "tjGetErrorCode")]
    public static partial int GetErrorCode(nint handle);
}
