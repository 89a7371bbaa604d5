namespace Bitis.Quantization.Quantizers;

/// <summary>
/// Signed levels of at most 4 bits, two in a byte: the first of a pair in the low half, rows start at a whole byte.
/// </summary>
internal static class RowNibbles
{
    /// <summary>The bytes that a row takes.</summary>
    public static int RowBytes(int columns) => (columns + 1) / 2;

    /// <summary>Packs <c>[rows, columns]</c> levels of −8 … 7.</summary>
    public static byte[] Pack(ReadOnlySpan<sbyte> levels, int columns)
    {
        int rowBytes = RowBytes(columns), rows = columns == 0 ? 0 : levels.Length / columns;
        var packed = new byte[rows * rowBytes];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                packed[row * rowBytes + column / 2] |= (byte)(
                    (levels[row * columns + column] & 0xF) << (column % 2 * 4));
            }
        }
        return packed;
    }

    /// <summary>Unpacks what <see cref="Pack"/> made.</summary>
    public static sbyte[] Unpack(ReadOnlySpan<byte> packed, int columns)
    {
        int rowBytes = RowBytes(columns), rows = rowBytes == 0 ? 0 : packed.Length / rowBytes;
        var levels = new sbyte[rows * columns];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                int half = packed[row * rowBytes + column / 2] >> (column % 2 * 4);
                levels[row * columns + column] = (sbyte)((sbyte)(half << 4) >> 4); // The shift back extends the sign.
            }
        }
        return levels;
    }
}
