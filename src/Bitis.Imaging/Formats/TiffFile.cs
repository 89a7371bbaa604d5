using NetVips;

namespace Bitis.Imaging.Formats;

/// <summary>TIFF files: the first page, turned as its orientation says, which Pillow does for TIFF always.</summary>
internal static class TiffFile
{
    /// <summary>Decodes a whole file.</summary>
    public static PixelImage Decode(ReadOnlySpan<byte> file, string name) => VipsDecoder.Decode(
        file,
        source => Image.TiffloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Error),
        "TIFF",
        name,
        turns: true,
        isDamage: message => !message.Contains("Unknown field", StringComparison.Ordinal)); // cameras have their own
}
