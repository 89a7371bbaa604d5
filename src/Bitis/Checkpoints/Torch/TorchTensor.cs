using Bitis.Tensors;

namespace Bitis.Checkpoints.Torch;

/// <summary>A tensor as a pickle describes it.</summary>
/// <remarks>Nothing is checked before it is asked for: what lies beside the weights may have any form.</remarks>
/// <param name="storage">What it is a view of.</param>
/// <param name="type">The type of its elements; null for one that is not read.</param>
/// <param name="offset">The first element, counted in elements.</param>
/// <param name="sizes">The sizes.</param>
/// <param name="strides">Elements to step over per dimension.</param>
internal sealed class TorchTensor(
    TorchStorage storage, DType? type, long offset, object?[] sizes, object?[] strides)
{
    private const int MaxRank = 32;

    private StoredTensor? _stored;

    /// <summary>Why nobody can read it, whatever else is right; null if there is no such reason.</summary>
    public string? Obstacle => type is null ? $"its elements lie in a {storage.Type.Name}, which is not read" : null;

    /// <summary>The tensor, checked; the same one each time.</summary>
    /// <exception cref="BitisException">
    /// It leaves its storage, or is no tensor. The message names neither file nor tensor.
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
