using System.Runtime.InteropServices;

namespace Bitis.Gpu.Devices;

/// <summary>Memory of a device.</summary>
/// <param name="address">Its address on the device.</param>
/// <param name="bytes">Its size.</param>
internal abstract class GpuBuffer(ulong address, long bytes) : IDisposable
{
    /// <summary>The address on the device.</summary>
    public ulong Address { get; } = address;

    /// <summary>The size.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>Copies values to the device, and waits.</summary>
    /// <param name="values">The values.</param>
    /// <exception cref="ArgumentException">They are more than fit.</exception>
    public void Write<T>(ReadOnlySpan<T> values)
        where T : unmanaged => WriteBytes(Checked(MemoryMarshal.AsBytes(values)));

    /// <summary>Copies values from the device, and waits until all work before is done.</summary>
    /// <param name="values">Where they go.</param>
    /// <exception cref="ArgumentException">They are more than there are.</exception>
    public void Read<T>(Span<T> values)
        where T : unmanaged
    {
        Span<byte> target = MemoryMarshal.AsBytes(values);
        Checked(target);
        ReadBytes(target);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Copies bytes to the device.</summary>
    protected abstract void WriteBytes(ReadOnlySpan<byte> source);

    /// <summary>Copies bytes from the device.</summary>
    protected abstract void ReadBytes(Span<byte> target);

    /// <summary>Frees the memory.</summary>
    protected abstract void Dispose(bool disposing);

    private ReadOnlySpan<byte> Checked(ReadOnlySpan<byte> span) => span.Length <= Bytes
        ? span
        : throw new ArgumentException($"{span.Length} bytes do not fit a buffer of {Bytes}.", nameof(span));
}
