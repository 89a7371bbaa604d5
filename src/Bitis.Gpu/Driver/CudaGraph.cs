using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Driver;

/// <summary>A graph of the CUDA driver.</summary>
/// <param name="device">The device.</param>
/// <param name="executable">The driver's graph.</param>
internal sealed class CudaGraph(CudaDevice device, nint executable) : GpuGraph
{
    private bool _isDisposed;

    /// <inheritdoc />
    public override void Run()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        device.Enter();
        CudaErrors.Check(CudaFunctions.LaunchGraph(executable, device.Stream), "run a model");
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        if (device.TryEnter())
            _ = CudaFunctions.DestroyExecutable(executable);
    }
}
