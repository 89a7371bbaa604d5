using Bitis.Tensors;

namespace Bitis.Kernels.Memory;

/// <summary>A fixed-size array in native memory whose first element starts a 64-byte cache line.</summary>
/// <remarks>
/// Kernels keep raw pointers into it. So its owner must stay alive while they use it (<see cref="GC.KeepAlive"/>).
/// </remarks>
internal sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    /// <summary>The alignment of <see cref="Pointer"/> in bytes: one AVX-512 register, one cache line.</summary>
    public const int Alignment = 64;

    private readonly AlignedMemoryHandle _memory;

    /// <summary>Allocates <paramref name="length"/> elements, zero or arbitrary.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    /// <exception cref="BitisException">
    /// The length exceeds an int (callers pass products of sizes unchecked), or the system has not enough memory.
    /// </exception>
    public NativeBuffer(long length, bool zeroed = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = BlockSize.Require(length, sizeof(T));
        _memory = new AlignedMemoryHandle((nuint)length * (nuint)sizeof(T), Alignment, zeroed);
    }

    /// <summary>A copy of some values.</summary>
    public static NativeBuffer<T> Of(ReadOnlySpan<T> values)
    {
        var buffer = new NativeBuffer<T>(values.Length);
        values.CopyTo(buffer.Span);
        return buffer;
    }

    /// <summary>The number of elements.</summary>
    public int Length { get; }

    /// <summary>The address of the first element.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was disposed.</exception>
    public T* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory.IsClosed, this);
            return (T*)_memory.DangerousGetHandle();
        }
    }

    /// <summary>All elements.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was disposed.</exception>
    public Span<T> Span => new(Pointer, Length);

    /// <summary>Frees the memory; pointers into it become invalid.</summary>
    public void Dispose() => _memory.Dispose();
}
