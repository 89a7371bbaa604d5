using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bitis.Tensors;

namespace Bitis;

/// <summary>A dense, row-major block of float32 values.</summary>
/// <remarks>
/// The memory is managed, does not move, and starts at a multiple of 64 bytes. So kernels may keep a pointer to it for
/// as long as the tensor is alive. There is nothing to dispose.
/// </remarks>
public sealed class FloatTensor
{
    /// <summary>The alignment of <see cref="Span"/>, in bytes: one AVX-512 register, one cache line.</summary>
    public const int Alignment = 64;

    private const int AlignmentElements = Alignment / sizeof(float);

    /// <summary>Before a tensor above this size is allocated, the size is compared with the available memory.</summary>
    private const long LargeBytes = 1 << 26;

    /// <summary>The most elements: those of an array, less what alignment and guards take.</summary>
    internal static readonly int MaxElements =
        Array.MaxLength - Math.Max(AlignmentElements, 2 * Environment.SystemPageSize / sizeof(float));

    private readonly float[] _buffer;
    private readonly int _start;

    /// <summary>Creates a tensor of zeros.</summary>
    /// <exception cref="BitisException">
    /// The shape has more elements than a tensor can hold, or there is no memory for them.
    /// </exception>
    public FloatTensor(Shape shape)
        : this(shape, Allocate(shape, zeroed: true, out int start), start)
    {
    }

    private FloatTensor(Shape shape, float[] buffer, int start)
    {
        Shape = shape;
        Length = (int)shape.ElementCount; // fits, since there is a buffer for it
        _buffer = buffer;
        _start = start;
    }

    /// <summary>The sizes of the dimensions.</summary>
    public Shape Shape { get; }

    /// <summary>The number of elements.</summary>
    public int Length { get; }

    /// <summary>All elements, row-major.</summary>
    public Span<float> Span => _buffer.AsSpan(_start, Length);

    /// <summary>All elements, row-major.</summary>
    public Memory<float> Memory => _buffer.AsMemory(_start, Length);

    /// <summary>
    /// The address of the first element; valid while this tensor is reachable (<see cref="GC.KeepAlive"/>).
    /// </summary>
    internal unsafe float* Pointer =>
        (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_buffer)) + _start;

    /// <summary>Whether a tensor can have a shape: its elements fit an array.</summary>
    internal static bool CanHave(Shape shape)
    {
        if (shape.Sizes.Contains(0))
            return true;
        long count = 1;
        foreach (int size in shape)
        {
            count *= size; // Both are ints.
            if (count > MaxElements)
                return false;
        }
        return true;
    }

    /// <summary>Creates a tensor whose contents are arbitrary until they are written.</summary>
    /// <exception cref="BitisException">
    /// The shape has more elements than a tensor can hold, or there is no memory for them.
    /// </exception>
    public static FloatTensor Uninitialized(Shape shape) =>
        new(shape, Allocate(shape, zeroed: false, out int start), start);

    /// <summary>Creates a tensor that holds a copy of <paramref name="values"/>.</summary>
    /// <exception cref="ArgumentException">The number of values is not the shape's.</exception>
    public static FloatTensor From(Shape shape, ReadOnlySpan<float> values)
    {
        if (shape.ElementCount != values.Length)
            throw new ArgumentException($"{values.Length} values do not fill the shape {shape}.", nameof(values));
        FloatTensor tensor = Uninitialized(shape);
        values.CopyTo(tensor.Span);
        return tensor;
    }

    /// <summary>The same elements in another shape; the memory is shared.</summary>
    /// <exception cref="ArgumentException">The number of elements differs.</exception>
    public FloatTensor Reshape(Shape shape)
    {
        if (shape.ElementCount != Length)
            throw new ArgumentException($"A tensor {Shape} cannot be seen as {shape}.", nameof(shape));
        return new FloatTensor(shape, _buffer, _start);
    }

    /// <summary>A part of the elements as a tensor; the memory is shared.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part exceeds the elements.</exception>
    internal FloatTensor Slice(int start, Shape shape)
    {
        if (start < 0 || shape.ElementCount > Length - start)
            throw new ArgumentOutOfRangeException(nameof(start), start, $"No {shape} starts there in {Shape}.");
        return new FloatTensor(shape, _buffer, _start + start);
    }

    /// <summary>The index of the first NaN or infinity; null when all elements are finite.</summary>
    internal int? FindNonFinite() => FindNonFinite(Span);

    /// <summary>The index of the first NaN or infinity; null when all values are finite.</summary>
    internal static int? FindNonFinite(ReadOnlySpan<float> values)
    {
        if (values.IsEmpty || TensorPrimitives.IsFiniteAll(values))
            return null;
        int index = 0;
        while (float.IsFinite(values[index]))
            index++;
        return index;
    }

    /// <summary>A copy with memory of its own.</summary>
    public FloatTensor Clone() => From(Shape, Span);

    /// <summary>The shape and element count, for a debugger.</summary>
    public override string ToString() => $"Tensor {Shape}";

    private static float[] Allocate(Shape shape, bool zeroed, out int start)
    {
        if (!CanHave(shape))
        {
            throw new BitisException(
                $"A tensor of shape {shape} was asked for; a tensor has at most {MaxElements} elements. "
                + "Use a smaller batch or smaller images.");
        }
        try
        {
            // Far above the limit of a container, .NET 10 ends the process instead of refusing.
            long bytes = shape.ElementCount * sizeof(float);
            long available = bytes > LargeBytes ? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes : 0;
            return available > 0 && bytes > available
                ? throw BlockSize.Shortage($"a tensor of shape {shape}", bytes)
                : Allocate((int)shape.ElementCount, zeroed, out start);
        }
        catch (OutOfMemoryException e)
        {
            throw BlockSize.Shortage($"a tensor of shape {shape}", shape.ElementCount * sizeof(float), e);
        }
    }

    private static float[] Allocate(int elements, bool zeroed, out int start)
    {
        if (GuardedMemory.Mode != GuardMode.Off
            && GuardedMemory.TryAllocateArray(elements, zeroed, GuardedMemory.Mode, out float[]? guarded, out start))
        {
            return guarded;
        }
        int length = elements + AlignmentElements;
        float[] buffer = zeroed
            ? GC.AllocateArray<float>(length, pinned: true)
            : GC.AllocateUninitializedArray<float>(length, pinned: true);
        unsafe
        {
            nuint address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(buffer));
            nuint misaligned = address % Alignment;
            start = misaligned == 0 ? 0 : (int)((Alignment - misaligned) / sizeof(float));
        }
        return buffer;
    }
}
