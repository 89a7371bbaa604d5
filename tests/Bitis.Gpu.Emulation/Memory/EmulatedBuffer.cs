using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Emulation.Memory;

/// <summary>Global memory that knows who wrote and read each byte.</summary>
/// <remarks>
/// A warp may read what it wrote itself, but not what another warp writes in the same launch: warps talk through
/// shared memory or from launch to launch.
/// </remarks>
internal sealed class EmulatedBuffer(GlobalMemory memory, ulong address, int bytes) : GpuBuffer(address, bytes)
{
    /// <summary>The writer of bytes that come from the host; 0 is nobody.</summary>
    public const uint Host = 1;

    /// <summary>The reader of bytes that several warps read.</summary>
    private const uint Several = uint.MaxValue;

    private readonly uint[] _writers = new uint[bytes];
    private readonly uint[] _readers = new uint[bytes];
    private readonly byte[] _data = new byte[bytes];
    private uint _launchOfSeveral;

    /// <summary>Reads bytes for a thread of a warp.</summary>
    /// <param name="warp">The warp.</param>
    /// <param name="offset">The first byte.</param>
    /// <param name="count">How many.</param>
    /// <param name="isConstant">Whether the instruction promises that the launch does not write them.</param>
    public ReadOnlySpan<byte> Read(Warp warp, int offset, int count, bool isConstant)
    {
        uint launch = memory.FirstWriterOfLaunch, me = warp.GlobalWriter;
        int read = 0;
        StartLaunch(launch);
        for (int i = offset; i < offset + count; i++)
        {
            uint writer = _writers[i];
            if (writer == 0)
                throw warp.Finding(FindingKind.Uninitialized, $"byte {i} of a buffer of {Bytes}");
            if (writer >= launch && (writer != me || isConstant))
            {
                throw warp.Finding(
                    FindingKind.Race, $"byte {i} of a buffer of {Bytes} is written by the same launch");
            }

            bool isRead = _readers[i] >= launch;
            read += isRead ? 0 : 1;
            _readers[i] = isRead && _readers[i] != me ? Several : me;
        }
        warp.Block.Device.Measurements.BytesRead += read;
        return _data.AsSpan(offset, count);
    }

    /// <summary>The bytes that a thread of a warp overwrites.</summary>
    /// <param name="warp">The warp.</param>
    /// <param name="offset">The first byte.</param>
    /// <param name="count">How many.</param>
    public Span<byte> Write(Warp warp, int offset, int count)
    {
        uint launch = memory.FirstWriterOfLaunch, me = warp.GlobalWriter;
        int written = 0;
        StartLaunch(launch);
        for (int i = offset; i < offset + count; i++)
        {
            if ((_writers[i] >= launch && _writers[i] != me) || (_readers[i] >= launch && _readers[i] != me))
                throw warp.Finding(FindingKind.Race, $"another warp uses byte {i} of a buffer of {Bytes}");
            written += _writers[i] >= launch ? 0 : 1;
            _writers[i] = me;
        }
        warp.Block.Device.Measurements.BytesWritten += written;
        return _data.AsSpan(offset, count);
    }

    /// <summary>Written bytes, for tests that read a part of a buffer.</summary>
    public ReadOnlySpan<byte> Peek(int offset, int count) => _writers.AsSpan(offset, count).Contains(0u)
        ? throw new EmulationException(FindingKind.Uninitialized, $"bytes from {offset} of {Bytes}")
        : _data.AsSpan(offset, count);

    /// <summary>Copies the bytes that somebody wrote, and leaves the others as they are.</summary>
    public void CopyWritten(Span<byte> target)
    {
        for (int i = 0; i < target.Length; i++)
        {
            if (_writers[i] != 0)
                target[i] = _data[i];
        }
    }

    /// <summary>Replaces the bytes that somebody wrote.</summary>
    public void ReplaceWritten(ReadOnlySpan<byte> source)
    {
        for (int i = 0; i < source.Length; i++)
        {
            if (_writers[i] != 0)
                _data[i] = source[i];
        }
    }

    /// <inheritdoc />
    protected override void WriteBytes(ReadOnlySpan<byte> source)
    {
        source.CopyTo(_data);
        _writers.AsSpan(0, source.Length).Fill(Host);
    }

    /// <inheritdoc />
    protected override void ReadBytes(Span<byte> target)
    {
        int unwritten = _writers.AsSpan(0, target.Length).IndexOf(0u);
        if (unwritten >= 0)
            throw new EmulationException(FindingKind.Uninitialized, $"the host reads byte {unwritten} of {Bytes}");
        _data.AsSpan(0, target.Length).CopyTo(target);
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing) => memory.Free(this);

    // "Several" would be a reader of every later launch, too.
    private void StartLaunch(uint launch)
    {
        if (_launchOfSeveral == launch)
            return;
        _launchOfSeveral = launch;
        Array.Clear(_readers);
    }
}
