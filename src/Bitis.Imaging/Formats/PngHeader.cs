using System.Buffers.Binary;

namespace Bitis.Imaging.Formats;

/// <summary>The contents of a PNG file's IHDR chunk that decoding needs.</summary>
/// <param name="Width">Pixels a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="BitDepth">Bits a sample or palette index: 1, 2, 4, 8 or 16.</param>
/// <param name="ColorType">0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGB and alpha.</param>
internal readonly record struct PngHeader(uint Width, uint Height, byte BitDepth, byte ColorType)
{
    /// <summary>The length of an IHDR chunk's data.</summary>
    public const int Length = 13;

    /// <summary>Bits a pixel in the file.</summary>
    public int BitsPerPixel => BitDepth * ColorType switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };

    /// <summary>Reads the chunk's data.</summary>
    public static PngHeader Parse(ReadOnlySpan<byte> data) => new(
        BinaryPrimitives.ReadUInt32BigEndian(data), BinaryPrimitives.ReadUInt32BigEndian(data[4..]), data[8], data[9]);
}
