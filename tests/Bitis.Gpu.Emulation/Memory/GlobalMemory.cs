namespace Bitis.Gpu.Emulation.Memory;

/// <summary>The buffers of a device. Each has 4 GiB of addresses of its own, so that none is near another.</summary>
internal sealed class GlobalMemory
{
    private const int AddressBits = 32;

    private readonly List<EmulatedBuffer?> _buffers = [null];

    /// <summary>The number of the warp that runs next. Numbers of a launch are above those of all before.</summary>
    public uint NextWriter { get; set; } = EmulatedBuffer.Host + 1;

    /// <summary>The first number of the current launch.</summary>
    public uint FirstWriterOfLaunch { get; set; }

    /// <summary>The bytes that are reserved.</summary>
    public long Reserved => _buffers.Sum(buffer => buffer?.Bytes ?? 0);

    /// <summary>Reserves memory.</summary>
    public EmulatedBuffer Allocate(int bytes)
    {
        var buffer = new EmulatedBuffer(this, (ulong)_buffers.Count << AddressBits, bytes);
        _buffers.Add(buffer);
        return buffer;
    }

    /// <summary>Frees memory. Its addresses are not used again.</summary>
    public void Free(EmulatedBuffer buffer) => _buffers[(int)(buffer.Address >> AddressBits)] = null;

    /// <summary>The buffer and the place in it of an address.</summary>
    /// <exception cref="EmulationException">The address is outside of all buffers, or not aligned.</exception>
    public (EmulatedBuffer Buffer, int Offset) Find(Warp warp, ulong address, int bytes)
    {
        ulong index = address >> AddressBits;
        uint offset = (uint)address;
        EmulatedBuffer? buffer = index < (ulong)_buffers.Count ? _buffers[(int)index] : null;
        if (buffer is null || offset + (ulong)bytes > (ulong)buffer.Bytes)
        {
            throw warp.Finding(
                FindingKind.OutOfBounds,
                buffer is null ? $"there is no memory at {address:X}" : $"byte {offset} of a buffer of {buffer.Bytes}");
        }

        if (offset % (uint)bytes != 0)
            throw warp.Finding(FindingKind.Misaligned, $"byte {offset} of a buffer, {bytes} bytes at once");
        return (buffer, (int)offset);
    }
}
