using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Driver;

/// <summary>A graph of the CUDA driver.</summary>
/// <param name="device">The device.</param>
/// <param name="executable">The driver's graph.</param>
internal sealed class CudaGraph(CudaDevice device, CudaHandle executable) : GpuGraph
{
    /// <inheritdoc />
    public override void Run()
    {
        nint graph = executable.Value;
        device.Enter();
        CudaErrors.Check(CudaFunctions.LaunchGraph(graph, device.Stream), "run a model");
        GC.KeepAlive(this);
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing) => executable.Dispose();
}
