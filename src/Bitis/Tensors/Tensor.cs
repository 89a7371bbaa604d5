using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bitis.Tensors;

/// <summary>
/// A dense, row-major block of float32 values. The memory is managed, does not move, and starts at a multiple of
/// 64 bytes, so that kernels may keep a pointer to it for as long as the tensor is alive. There is nothing to dispose.
/// </summary>
public sealed class Tensor
{
    /// <summary>The alignment of <see cref="Span"/>, in bytes: one AVX-512 register, one cache line.</summary>
    public const int Alignment = 64;

    private const int AlignmentElements = Alignment / sizeof(float);

    private readonly float[] _buffer;
    private readonly int _start;

    /// <summary>Creates a tensor of zeros.</summary>
    public Tensor(Shape shape)
        : this(shape, Allocate(shape, zeroed: true, out int start), start)
    {
    }

    private Tensor(Shape shape, float[] buffer, int start)
    {
        Shape = shape;
        Length = checked((int)shape.ElementCount);
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

    /// <summary>The address of the first element; valid while this tensor is reachable (<see cref="GC.KeepAlive"/>).</summary>
    internal unsafe float* Pointer =>
        (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_buffer)) + _start;

    /// <summary>Whether a tensor can have a shape: its elements fit an array.</summary>
    internal static bool CanHave(Shape shape)
    {
        long count = 1;
        foreach (int size in shape)
        {
            count *= size; // Both are ints.
            if (count > Array.MaxLength - AlignmentElements)
                return false;
        }
        return true;
    }

    /// <summary>Creates a tensor whose contents are arbitrary until they are written.</summary>
    public static Tensor Uninitialized(Shape shape) =>
        new(shape, Allocate(shape, zeroed: false, out int start), start);

    /// <summary>Creates a tensor that holds a copy of <paramref name="values"/>.</summary>
    /// <exception cref="ArgumentException">The number of values is not the shape's.</exception>
    public static Tensor From(Shape shape, ReadOnlySpan<float> values)
    {
        if (shape.ElementCount != values.Length)
            throw new ArgumentException($"{values.Length} values do not fill the shape {shape}.", nameof(values));
        Tensor tensor = Uninitialized(shape);
        values.CopyTo(tensor.Span);
        return tensor;
    }

    /// <summary>The same elements in another shape; the memory is shared.</summary>
    /// <exception cref="ArgumentException">The number of elements differs.</exception>
    public Tensor Reshape(Shape shape)
    {
        if (shape.ElementCount != Length)
            throw new ArgumentException($"A tensor {Shape} cannot be seen as {shape}.", nameof(shape));
        return new Tensor(shape, _buffer, _start);
    }

    /// <summary>The index of the first NaN or infinity; null when all elements are finite.</summary>
    internal int? FindNonFinite()
    {
        ReadOnlySpan<float> values = Span;
        if (values.IsEmpty || TensorPrimitives.IsFiniteAll(values))
            return null;
        int index = 0;
        while (float.IsFinite(values[index]))
            index++;
        return index;
    }

    /// <summary>A copy with memory of its own.</summary>
    public Tensor Clone() => From(Shape, Span);

    /// <summary>The shape and element count, for a debugger.</summary>
    public override string ToString() => $"Tensor {Shape}";

    private static float[] Allocate(Shape shape, bool zeroed, out int start)
    {
        if (GuardedMemory.Mode != GuardMode.Off)
            return GuardedMemory.AllocateArray(checked((int)shape.ElementCount), zeroed, GuardedMemory.Mode, out start);
        int length = checked((int)shape.ElementCount + AlignmentElements);
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
