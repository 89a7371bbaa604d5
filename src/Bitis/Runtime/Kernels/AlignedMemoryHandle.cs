using System.Runtime.InteropServices;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// Owns a block of native memory that starts at a cache line; freed on disposal, at the latest by the finalizer.
/// </summary>
internal sealed unsafe class AlignedMemoryHandle : SafeHandle
{
    /// <summary>Allocates at least one byte.</summary>
    /// <exception cref="OutOfMemoryException">The system has no such block.</exception>
    public AlignedMemoryHandle(nuint bytes, nuint alignment, bool zeroed)
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
        bytes = nuint.Max(bytes, 1);
        void* memory = NativeMemory.AlignedAlloc(bytes, alignment);
        if (zeroed)
            NativeMemory.Clear(memory, bytes);
        SetHandle((nint)memory);
    }

    /// <inheritdoc />
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc />
    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
