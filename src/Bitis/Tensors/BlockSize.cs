namespace Bitis.Tensors;

/// <summary>Checks the size of a block of memory, computed from the sizes of a model and its images.</summary>
internal static class BlockSize
{
    /// <summary>A number of elements as an int.</summary>
    /// <param name="elements">The number; not negative.</param>
    /// <param name="elementBytes">The bytes of each.</param>
    /// <exception cref="BitisException">
    /// The number exceeds an int; the message says how many bytes were asked for.
    /// </exception>
    public static int Require(long elements, int elementBytes) => elements <= int.MaxValue
        ? (int)elements
        : throw new BitisException(
            $"A block of {(Int128)elements * elementBytes} bytes was asked for; one has at most "
            + $"{(long)int.MaxValue * elementBytes}. The model, its images or the batch are too large: use "
            + "smaller ones.");

    /// <summary>The error for memory that the system does not have.</summary>
    /// <param name="what">What needs it: <c>a tensor of shape [2, 3]</c>.</param>
    /// <param name="bytes">How many bytes it takes.</param>
    /// <param name="cause">The error of the system; null if the memory was not requested.</param>
    public static BitisException Shortage(string what, long bytes, OutOfMemoryException? cause = null)
    {
        string message = $"There is not enough memory for {what} ({bytes} bytes): "
            + "use a smaller batch, smaller images, fewer threads, or a machine with more memory.";
        return cause is null ? new BitisException(message) : new BitisException(message, cause);
    }
}
