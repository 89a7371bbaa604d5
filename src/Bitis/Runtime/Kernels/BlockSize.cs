namespace Bitis.Runtime.Kernels;

/// <summary>The size of a block of memory, which products of a model's and its images' sizes may exceed.</summary>
internal static class BlockSize
{
    /// <summary>A number of elements as an int.</summary>
    /// <param name="elements">The number; not negative.</param>
    /// <param name="elementBytes">The bytes of each.</param>
    /// <exception cref="BitisException">It is none; the message says how many bytes were asked for.</exception>
    public static int Require(long elements, int elementBytes) => elements <= int.MaxValue
        ? (int)elements
        : throw new BitisException(
            $"A block of {(Int128)elements * elementBytes} bytes was asked for; one has at most {(long)int.MaxValue * elementBytes}. "
            + "The model, its images or their number at once are too large: use smaller ones.");
}
