using NetVips;

namespace Bitis.Imaging.Formats;

/// <summary>Decodes the first page of TIFF files, turned as its orientation says, as Pillow does.</summary>
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
