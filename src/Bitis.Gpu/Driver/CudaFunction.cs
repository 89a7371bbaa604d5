using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Driver;

/// <summary>A kernel that a <see cref="CudaDevice"/> has assembled.</summary>
/// <param name="kernel">Its text.</param>
/// <param name="module">The driver's module, which is unloaded with it.</param>
/// <param name="handle">The driver's function.</param>
internal sealed class CudaFunction(PtxKernel kernel, CudaHandle module, nint handle) : GpuFunction(kernel)
{
    /// <summary>The driver's function.</summary>
    /// <exception cref="ObjectDisposedException">Its module was unloaded.</exception>
    public nint Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(module.IsClosed, this);
            return handle;
        }
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing) => module.Dispose();
}
