namespace Bitis.Gpu.Kernels.Products;

/// <summary>Weights of 4 bits, two in a byte, in the order in which tensor cores take them.</summary>
/// <remarks>
/// <code>
///   32 weights of a row are 4 words, one for each of the lanes that share the row
///   word j: byte i has weight 4j + i in its low half, weight 16 + 4j + i in its high half
///   w ≪ 4 and w, each with the low halves of bytes cleared, are both operands of a lane, times 16
/// </code>
/// </remarks>
internal static class PackedNibbles
{
    /// <summary>The weights that take one chunk.</summary>
    public const int WeightsOfChunk = 2 * LinearShape.ChunkBytes;

    /// <summary>The most weights of a row whose sums, times 16, fit 32 bits.</summary>
    public const int MaxInputs = int.MaxValue / (16 * 8 * byte.MaxValue);

    /// <summary>The bytes of a row.</summary>
    public static int RowBytes(int inputs) => (inputs + WeightsOfChunk - 1) / WeightsOfChunk * LinearShape.ChunkBytes;

    /// <summary>Packs rows of levels from −8 to 7.</summary>
    public static byte[] Pack(ReadOnlySpan<sbyte> levels, int outputs, int inputs)
    {
        int stride = RowBytes(inputs);
        var packed = new byte[outputs * stride];
        for (int i = 0; i < outputs * inputs; i++)
        {
            (int output, int input) = Math.DivRem(i, inputs);
            int chunk = input / WeightsOfChunk, inChunk = input % WeightsOfChunk;
            int place = (output * stride) + (chunk * LinearShape.ChunkBytes) + (inChunk % LinearShape.ChunkBytes);
            packed[place] |= (byte)((levels[i] & 15) << (inChunk < LinearShape.ChunkBytes ? 0 : 4));
        }
        return packed;
    }
}
