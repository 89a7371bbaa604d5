using System.Runtime.InteropServices;
using Bitis.Kernels.Simd;
using Bitis.Tensors;

namespace Bitis.Kernels.Memory;

/// <summary>Owns a block of native memory that starts at a cache line.</summary>
/// <remarks>
/// The block is freed on disposal, at the latest by the finalizer. The garbage collector is told about large blocks, so
/// that it runs in time to find owners that were not disposed.
/// </remarks>
internal sealed unsafe class AlignedMemoryHandle : SafeHandle
{
    /// <summary>The garbage collector is told about blocks from this size on.</summary>
    private const long LargeBytes = 1 << 16;

    private static long _liveBytes;

    private readonly long _bytes;
    private readonly (nint Address, nuint Bytes) _mapping;

    /// <summary>Allocates at least one byte.</summary>
    /// <exception cref="BitisException">The system has not enough memory.</exception>
    public AlignedMemoryHandle(nuint bytes, nuint alignment, bool zeroed)
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
        _bytes = (long)bytes;
        GuardMode mode = GuardedMemory.Mode;
        if (mode != GuardMode.Off && GuardedMemory.TryAllocate(bytes, mode, out nint block, out _mapping))
        {
            SetHandle(block);
        }
        else
        {
            bytes = nuint.Max(bytes, 1);
            void* memory = Allocate(bytes, alignment);
            if (zeroed)
                NativeMemory.Clear(memory, bytes);
            SetHandle((nint)memory);
        }
        Interlocked.Add(ref _liveBytes, _bytes);
        if (_bytes >= LargeBytes)
            GC.AddMemoryPressure(_bytes);
    }

    /// <summary>The bytes of all blocks of the process.</summary>
    public static long LiveBytes => Volatile.Read(ref _liveBytes);

    private static void* Allocate(nuint bytes, nuint alignment)
    {
        try
        {
            return NativeMemory.AlignedAlloc(bytes, alignment);
        }
        catch (OutOfMemoryException e)
        {
            throw BlockSize.Shortage("a block", (long)bytes, e);
        }
    }

    /// <inheritdoc />
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc />
    protected override bool ReleaseHandle()
    {
        Interlocked.Add(ref _liveBytes, -_bytes);
        if (_bytes >= LargeBytes)
            GC.RemoveMemoryPressure(_bytes);
        if (_mapping.Address != 0)
            return GuardedMemory.Free(_mapping);
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
