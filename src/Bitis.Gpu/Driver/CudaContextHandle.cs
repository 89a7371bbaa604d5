using System.Runtime.InteropServices;

namespace Bitis.Gpu.Driver;

/// <summary>The context of a device. It lives as long as anything of it, even if nobody disposes it.</summary>
internal sealed class CudaContextHandle : SafeHandle
{
    private readonly int _device;

    /// <summary>Opens the context that all users of a device in this process share.</summary>
    /// <exception cref="BitisException">The driver refuses it.</exception>
    public CudaContextHandle(int device)
        : base(0, ownsHandle: true)
    {
        _device = device;
        CudaErrors.Check(CudaFunctions.RetainContext(out nint context, device), "be opened");
        SetHandle(context);
    }

    /// <inheritdoc />
    public override bool IsInvalid => handle == 0;

    /// <summary>Makes the context that of the calling thread. Returns the driver's error.</summary>
    public int Enter() => CudaFunctions.SetContext(handle);

    /// <inheritdoc />
    protected override bool ReleaseHandle() => CudaFunctions.ReleaseContext(_device) == 0;
}
