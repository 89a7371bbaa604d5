using System.Runtime.InteropServices;

namespace Bitis.Gpu.Driver;

/// <summary>Something of a context, such as memory or a module. It is freed even if nobody disposes it.</summary>
/// <remarks>It keeps its context open, so the order in which both are disposed or collected does not matter.</remarks>
internal sealed class CudaHandle : SafeHandle
{
    private readonly CudaContextHandle _context;
    private readonly Func<nint, int> _free;

    /// <summary>Takes over a handle.</summary>
    /// <param name="context">The context.</param>
    /// <param name="value">The driver's handle.</param>
    /// <param name="free">The driver's function that frees it.</param>
    public CudaHandle(CudaContextHandle context, nint value, Func<nint, int> free)
        : base(0, ownsHandle: true)
    {
        (_context, _free) = (context, free);
        bool isAdded = false;
        context.DangerousAddRef(ref isAdded);
        SetHandle(value);
    }

    /// <inheritdoc />
    public override bool IsInvalid => handle == 0;

    /// <summary>The driver's handle.</summary>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    public nint Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return handle;
        }
    }

    /// <inheritdoc />
    protected override bool ReleaseHandle()
    {
        // On a lost device this fails, and there is nothing to free any more.
        bool isFreed = _context.Enter() == 0 && _free(handle) == 0;
        _context.DangerousRelease();
        return isFreed;
    }
}
