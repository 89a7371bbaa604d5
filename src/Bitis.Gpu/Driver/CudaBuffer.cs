using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Driver;

/// <summary>Memory of a <see cref="CudaDevice"/>.</summary>
/// <param name="device">The device.</param>
/// <param name="address">The address.</param>
/// <param name="bytes">The size.</param>
internal sealed unsafe class CudaBuffer(CudaDevice device, ulong address, long bytes) : GpuBuffer(address, bytes)
{
    private bool _isDisposed;

    /// <inheritdoc />
    protected override void WriteBytes(ReadOnlySpan<byte> source)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        const string Work = "take a copy";
        device.Enter();
        fixed (byte* host = source)
        {
            CudaErrors.Check(
                CudaFunctions.CopyToDevice(Address, host, (nuint)source.Length, device.Stream), Work);
            device.Wait(Work);
        }
    }

    /// <inheritdoc />
    protected override void ReadBytes(Span<byte> target)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        const string Work = "compute and give results";
        device.Enter();
        fixed (byte* host = target)
        {
            CudaErrors.Check(CudaFunctions.CopyToHost(host, Address, (nuint)target.Length, device.Stream), Work);
            device.Wait(Work);
        }
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        if (device.TryEnter())
            _ = CudaFunctions.Free(Address);
    }
}
