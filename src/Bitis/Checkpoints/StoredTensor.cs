using System.Runtime.InteropServices;
using Bitis.Tensors;

namespace Bitis.Checkpoints;

/// <summary>A tensor that has not been read yet: a view with an offset and strides into a block of bytes.</summary>
/// <remarks>The constructor checks that every element lies in the block, so reading needs no further checks.</remarks>
internal sealed class StoredTensor
{
    // .NET spans and arrays index with int; one tensor of a vision model is far smaller.
    private const int MaxBytes = 0x7FFF_FF00;

    private const int ConvertedPieceBytes = 1 << 18;

    private readonly StoredBytes _bytes;
    private readonly long _offset;
    private readonly long[] _strides;

    /// <summary>Describes a view.</summary>
    /// <param name="type">The type of the elements.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="strides">Elements to step over per dimension; empty for a row-major tensor.</param>
    /// <param name="offset">The first element, counted in elements.</param>
    /// <param name="bytes">The block.</param>
    /// <exception cref="BitisException">The view leaves its block; the message is without file and name.</exception>
    public StoredTensor(DType type, Shape shape, long[] strides, long offset, StoredBytes bytes)
    {
        DType = type;
        Shape = shape;
        _offset = offset;
        _strides = IsRowMajor(shape, strides) ? [] : strides;
        _bytes = bytes;
        Check(strides);
    }

    /// <summary>The type of the elements.</summary>
    public DType DType { get; }

    /// <summary>The sizes.</summary>
    public Shape Shape { get; }

    /// <summary>The size of the elements in bytes.</summary>
    public long ByteLength { get; private set; }

    /// <summary>How many bytes of its block a reading touches, or makes of them, whichever is more.</summary>
    public long TouchedBytes { get; private set; }

    /// <summary>The size in float32 of a tensor whose elements repeat along a dimension; 0 for all others.</summary>
    public long ExpandedBytes { get; private set; }

    /// <summary>The elements as they are stored, row-major, little-endian.</summary>
    public byte[] ReadBytes()
    {
        if (_strides.Length > 0)
            return Gather();
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)ByteLength);
        ReadRowMajor(0, bytes);
        return bytes;
    }

    /// <summary>The elements as float32.</summary>
    public FloatTensor Read()
    {
        if (!DType.ConvertsToFloat())
        {
            throw new BitisException(
                $"elements of type {DType.SafetensorsName()} cannot be read as float32; "
                + "convert the checkpoint to F32 or F16.");
        }
        FloatTensor tensor = FloatTensor.Uninitialized(Shape);
        if (_strides.Length > 0)
            DTypes.ToFloat(DType, Gather(), tensor.Span);
        else if (DType == DType.Float32)
            ReadRowMajor(0, MemoryMarshal.AsBytes(tensor.Span));
        else
            ReadConverted(tensor.Span);
        return tensor;
    }

    /// <summary>Some of the elements of a row-major tensor, as stored.</summary>
    private void ReadRowMajor(long first, Span<byte> destination)
    {
        if (!destination.IsEmpty)
            _bytes.Read((_offset + first) * DType.BitSize() / 8, destination);
    }

    /// <summary>Reads and converts in pieces, so that nothing but the result takes memory.</summary>
    private void ReadConverted(Span<float> destination)
    {
        int size = DType.BitSize() / 8;
        byte[] piece = new byte[Math.Min(ConvertedPieceBytes, ByteLength)];
        for (int done = 0; done < destination.Length;)
        {
            int count = Math.Min(piece.Length / size, destination.Length - done);
            ReadRowMajor(done, piece.AsSpan(0, count * size));
            DTypes.ToFloat(DType, piece.AsSpan(0, count * size), destination.Slice(done, count));
            done += count;
        }
    }

    private byte[] Gather()
    {
        int size = DType.BitSize() / 8;
        long extent = Extent();
        byte[] block = GC.AllocateUninitializedArray<byte>((int)((extent + 1) * size));
        _bytes.Read(_offset * size, block);
        ReadOnlySpan<byte> source = block;
        byte[] result = new byte[ByteLength];
        int[] index = new int[Shape.Rank];
        long position = 0;
        for (int written = 0; written < result.Length; written += size)
        {
            source.Slice((int)(position * size), size).CopyTo(result.AsSpan(written));
            for (int d = Shape.Rank - 1; d >= 0; d--)
            {
                position += _strides[d];
                if (++index[d] < Shape[d])
                    break;
                position -= _strides[d] * Shape[d];
                index[d] = 0;
            }
        }
        return result;
    }

    private void Check(long[] strides)
    {
        try
        {
            long count = Shape.ElementCount;
            ByteLength = checked(count * DType.BitSize()) / 8;
            TouchedBytes = ByteLength;
            if (count == 0)
                return;
            long capacity = checked(_bytes.Length * 8) / DType.BitSize();
            // A dimension of stride 0 repeats elements. Other views with more elements than the block overlap.
            long distinct = DistinctElements();
            if (_offset < 0 || distinct > capacity || checked(_offset + Extent()) >= capacity)
            {
                string steps = strides.Length == Shape.Rank ? $"strides [{string.Join(", ", strides)}], " : "";
                throw new BitisException(
                    $"the shape {Shape} ({steps}offset {_offset}) needs more "
                    + $"elements than its storage of {_bytes.Length} bytes holds ({capacity} of type "
                    + $"{DType.SafetensorsName()}).");
            }
            if (checked(Math.Max(count, Extent() + 1) * Math.Max(sizeof(float), DType.BitSize() / 8)) > MaxBytes)
                throw new BitisException($"the shape {Shape} is too large: one tensor may take at most 2 GiB.");
            TouchedBytes = Math.Max(ByteLength, (Extent() + 1) * DType.BitSize() / 8);
            ExpandedBytes = distinct < count ? count * Math.Max(sizeof(float), DType.BitSize() / 8) : 0;
        }
        catch (OverflowException e)
        {
            throw new BitisException($"the sizes of shape {Shape} multiply to more than any file can hold.", e);
        }
    }

    private long DistinctElements()
    {
        long distinct = 1;
        for (int d = 0; d < Shape.Rank; d++)
            distinct = checked(distinct * (_strides.Length > 0 && _strides[d] == 0 ? 1 : Shape[d]));
        return distinct;
    }

    /// <summary>The distance from the first element to the last, in elements.</summary>
    private long Extent()
    {
        if (_strides.Length == 0)
            return Shape.ElementCount - 1;
        long extent = 0;
        for (int d = 0; d < Shape.Rank; d++)
            extent = checked(extent + ((Shape[d] - 1) * _strides[d]));
        return extent;
    }

    private static bool IsRowMajor(Shape shape, long[] strides)
    {
        if (strides.Length == 0 || shape.Sizes.Contains(0))
            return true;
        long expected = 1;
        for (int d = shape.Rank - 1; d >= 0; d--)
        {
            // The stride of a dimension of size one is never used, and PyTorch leaves it as it was.
            if (shape[d] != 1 && strides[d] != expected)
                return false;
            expected = unchecked(expected * shape[d]);
        }
        return true;
    }
}
