using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Driver;

/// <summary>Memory of a <see cref="CudaDevice"/>.</summary>
/// <param name="device">The device.</param>
/// <param name="handle">The address, which is freed with it.</param>
/// <param name="bytes">The size.</param>
internal sealed unsafe class CudaBuffer(CudaDevice device, CudaHandle handle, long bytes)
    : GpuBuffer((ulong)handle.Value, bytes)
{
    /// <inheritdoc />
    protected override void WriteBytes(ReadOnlySpan<byte> source)
    {
        const string Work = "take a copy";
        ulong address = (ulong)handle.Value;
        device.Enter();
        fixed (byte* host = source)
        {
            CudaErrors.Check(CudaFunctions.CopyToDevice(address, host, (nuint)source.Length, device.Stream), Work);
            device.Wait(Work);
        }
        GC.KeepAlive(this);
    }

    /// <inheritdoc />
    protected override void ReadBytes(Span<byte> target)
    {
        const string Work = "compute and give results";
        ulong address = (ulong)handle.Value;
        device.Enter();
        fixed (byte* host = target)
        {
            CudaErrors.Check(CudaFunctions.CopyToHost(host, address, (nuint)target.Length, device.Stream), Work);
            device.Wait(Work);
        }
        GC.KeepAlive(this);
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing) => handle.Dispose();
}
