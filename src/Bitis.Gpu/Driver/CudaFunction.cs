using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Driver;

/// <summary>A kernel that a <see cref="CudaDevice"/> has assembled.</summary>
/// <param name="device">The device.</param>
/// <param name="kernel">Its text.</param>
/// <param name="module">The driver's module.</param>
/// <param name="handle">The driver's function.</param>
internal sealed class CudaFunction(CudaDevice device, PtxKernel kernel, nint module, nint handle) : GpuFunction(kernel)
{
    private bool _isDisposed;

    /// <summary>The driver's function.</summary>
    public nint Handle => handle;

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        if (device.TryEnter())
            _ = CudaFunctions.UnloadModule(module);
    }
}
