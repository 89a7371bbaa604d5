using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation.Text;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Emulation;

/// <summary>A kernel whose text was decoded once.</summary>
internal sealed class EmulatedFunction(PtxKernel kernel, PtxTarget target) : GpuFunction(kernel)
{
    /// <summary>The decoded text.</summary>
    public PtxProgram Program { get; } = PtxParser.Parse(kernel, target);

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
    }
}
