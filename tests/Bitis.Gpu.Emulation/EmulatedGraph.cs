using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Emulation;

/// <summary>Launches that run one after the other.</summary>
internal sealed class EmulatedGraph(EmulatedDevice device, IReadOnlyList<GpuLaunch> launches) : GpuGraph
{
    /// <inheritdoc />
    public override void Run() => device.Run(launches);

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
    }
}
