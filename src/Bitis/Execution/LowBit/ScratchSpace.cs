using System.Runtime.CompilerServices;
using Bitis.Tensors;

namespace Bitis.Execution.LowBit;

/// <summary>Divides a micro-batch's scratch memory into pieces that start at cache lines.</summary>
/// <param name="start">The first free byte, aligned.</param>
internal unsafe struct ScratchSpace(float* start)
{
    private const int Line = 64;
    private byte* _next = (byte*)start;

    /// <summary>The elements of scratch memory, float32 each, that some arrays take.</summary>
    public static int Length(params ReadOnlySpan<long> bytes)
    {
        long sum = 0;
        foreach (long count in bytes)
            sum += Padded(count);
        return BlockSize.Require(sum / sizeof(float), sizeof(float));
    }

    /// <summary>Takes memory for some elements, with arbitrary contents.</summary>
    public T* Take<T>(long count)
        where T : unmanaged
    {
        var piece = (T*)_next;
        _next += Padded(count * Unsafe.SizeOf<T>());
        return piece;
    }

    private static long Padded(long bytes) => (bytes + Line - 1) / Line * Line;
}
