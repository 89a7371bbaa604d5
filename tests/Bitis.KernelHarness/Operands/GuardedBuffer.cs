using System.Runtime.InteropServices;

namespace Bitis.KernelHarness.Operands;

/// <summary>
/// Memory whose last element ends exactly where an inaccessible page begins, so that one element read or written too
/// far ends the process. Odd sizes make the start misaligned. On other systems than Linux it is plain memory.
/// </summary>
internal sealed unsafe class GuardedBuffer<T> : IDisposable
    where T : unmanaged
{
    private readonly void* _block;
    private readonly nuint _blockBytes;

    public GuardedBuffer(int length)
    {
        Length = length;
        nuint bytes = (nuint)length * (nuint)sizeof(T);
        nuint page = (nuint)Environment.SystemPageSize;
        nuint usable = (bytes + page - 1) / page * page;
        _blockBytes = usable + page;
        if (OperatingSystem.IsLinux())
        {
            nint block = GuardPages.Map(0, _blockBytes, protection: 3, flags: 0x22, descriptor: -1, offset: 0);
            if (block == -1 || GuardPages.Protect(block + (nint)usable, page, protection: 0) != 0)
                throw new InvalidOperationException($"The system refuses {_blockBytes} bytes with a guard page.");
            _block = (void*)block;
        }
        else
        {
            _block = NativeMemory.AllocZeroed(_blockBytes);
        }
        Pointer = (T*)((byte*)_block + usable - bytes);
    }

    public GuardedBuffer(ReadOnlySpan<T> values)
        : this(values.Length) => values.CopyTo(Span);

    public int Length { get; }

    public T* Pointer { get; }

    public Span<T> Span => new(Pointer, Length);

    public void Dispose()
    {
        if (OperatingSystem.IsLinux())
            _ = GuardPages.Unmap((nint)_block, _blockBytes);
        else
            NativeMemory.Free(_block);
    }
}
