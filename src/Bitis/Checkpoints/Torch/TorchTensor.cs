using Bitis.Tensors;

namespace Bitis.Checkpoints.Torch;

/// <summary>A tensor as a pickle describes it.</summary>
/// <remarks>It is checked only when it is used, since tensors beside the weights may have any form.</remarks>
/// <param name="storage">The storage that it is a view of.</param>
/// <param name="type">The type of its elements; null for an unsupported type.</param>
/// <param name="offset">The offset of the first element, in elements.</param>
/// <param name="sizes">The sizes.</param>
/// <param name="strides">The stride of each dimension, in elements.</param>
internal sealed class TorchTensor(
    TorchStorage storage, DType? type, long offset, object?[] sizes, object?[] strides)
{
    private const int MaxRank = 32;

    private StoredTensor? _stored;

    /// <summary>The reason why its type cannot be read; null if it can.</summary>
    public string? Obstacle =>
        type is null ? $"its elements lie in a {storage.Type.Name}, which is not supported" : null;

    /// <summary>The checked tensor, the same object each time.</summary>
    /// <exception cref="BitisException">
    /// It exceeds its storage, or is invalid. The message names neither file nor tensor.
    /// </exception>
    public StoredTensor ToStored() => _stored ??= Create();

    private StoredTensor Create()
    {
        if (type is not { } elements)
            throw new BitisException($"{Obstacle}.");
        if (sizes.Length != strides.Length || sizes.Length > MaxRank)
            throw new BitisException($"a tensor has {sizes.Length} sizes and {strides.Length} strides.");
        int[] shape = new int[sizes.Length];
        long[] steps = new long[sizes.Length];
        for (int d = 0; d < shape.Length; d++)
        {
            if (sizes[d] is not (long size and >= 0 and <= int.MaxValue) || strides[d] is not (long stride and >= 0))
            {
                throw new BitisException(
                    $"a tensor has the size {sizes[d]} and the stride {strides[d]} in dimension {d}.");
            }
            shape[d] = (int)size;
            steps[d] = stride;
        }
        return new StoredTensor(elements, Shape.Create(shape), steps, offset, storage.Bytes);
    }
}
