using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Devices;

/// <summary>A kernel that a device can launch.</summary>
/// <param name="kernel">Its text.</param>
internal abstract class GpuFunction(PtxKernel kernel) : IDisposable
{
    /// <summary>Its text.</summary>
    public PtxKernel Kernel { get; } = kernel;

    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Unloads the kernel.</summary>
    protected abstract void Dispose(bool disposing);
}
