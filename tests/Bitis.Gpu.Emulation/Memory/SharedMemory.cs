using System.Runtime.Intrinsics;

namespace Bitis.Gpu.Emulation.Memory;

/// <summary>The shared memory of a block, which knows who wrote and read each byte since which barrier.</summary>
/// <remarks>
/// A use is a number: the barriers so far, and the thread. What threads of other warps did before the last barrier of
/// the block, and those of the own warp before its last <c>bar.warp.sync</c>, is ordered. All else is a race, in
/// whatever order this interpreter happens to run the warps.
/// </remarks>
internal sealed class SharedMemory(int bytes)
{
    /// <summary>The bits of a use that name the thread.</summary>
    private const int ThreadBits = 11;

    private const uint ThreadMask = (1u << ThreadBits) - 1;

    /// <summary>The first of the names of all threads of a warp.</summary>
    private const uint WholeWarp = 1024;

    /// <summary>The name of threads of several warps.</summary>
    private const uint SeveralWarps = WholeWarp + 32;

    /// <summary>The writer of bytes to which a copy is under way.</summary>
    private const uint Copy = uint.MaxValue;

    private readonly byte[] _data = new byte[bytes];
    private readonly uint[] _writers = new uint[bytes];
    private readonly uint[] _readers = new uint[bytes];

    /// <summary>Barriers so far, of the block and of its warps.</summary>
    private uint _barriers = 1;

    private uint _sinceOfBlock = 1u << ThreadBits;

    /// <summary>All threads of the block have met; returns the first use after it.</summary>
    public uint PassBarrier() => _sinceOfBlock = PassWarpBarrier();

    /// <summary>The threads of a warp have met; returns the first use after it.</summary>
    public uint PassWarpBarrier()
    {
        if (++_barriers > uint.MaxValue >> ThreadBits)
            throw new EmulationException(FindingKind.Launch, "too many barriers for this interpreter");
        return _barriers << ThreadBits;
    }

    /// <summary>Reads bytes for a thread.</summary>
    public ReadOnlySpan<byte> Read(Warp warp, int lane, uint address, int count)
    {
        int offset = Checked(warp, address, count);
        uint use = Use(warp, lane);
        if (count == 2 * Vector256<uint>.Count && IsOldEnough(offset) && AreReadersOld(offset, use))
        {
            Vector256<uint> all = Vector256.Create(use);
            all.CopyTo(_readers, offset);
            all.CopyTo(_readers, offset + Vector256<uint>.Count);
            return _data.AsSpan(offset, count);
        }
        for (int i = offset; i < offset + count; i++)
        {
            uint writer = _writers[i];
            if (writer == Copy)
                throw warp.Finding(FindingKind.CopyInFlight, $"lane {lane} reads byte {i} of shared memory");
            if (writer == 0)
                throw warp.Finding(FindingKind.Uninitialized, $"lane {lane} reads byte {i} of shared memory");
            if (IsUnordered(warp, writer, use))
                throw Race(warp, lane, i, "reads", "wrote", writer);
            _readers[i] = Joined(warp, _readers[i], use);
        }
        return _data.AsSpan(offset, count);
    }

    /// <summary>The bytes that a thread overwrites.</summary>
    public Span<byte> Write(Warp warp, int lane, uint address, int count)
    {
        int offset = Checked(warp, address, count);
        Claim(warp, lane, offset, count, Use(warp, lane));
        return _data.AsSpan(offset, count);
    }

    /// <summary>Begins an asynchronous copy. From here on, anything may be in the bytes.</summary>
    public void BeginCopy(Warp warp, int lane, uint address, int count) =>
        Claim(warp, lane, Checked(warp, address, count), count, Copy);

    /// <summary>Ends an asynchronous copy. The thread that waited for it sees it, others after a barrier.</summary>
    public void EndCopy(Warp warp, int lane, uint address, ReadOnlySpan<byte> source)
    {
        source.CopyTo(_data.AsSpan((int)address));
        _writers.AsSpan((int)address, source.Length).Fill(Use(warp, lane));
    }

    private uint Use(Warp warp, int lane) => (_barriers << ThreadBits) | (uint)((warp.Index * 32) + lane);

    private void Claim(Warp warp, int lane, int offset, int count, uint writer)
    {
        uint use = Use(warp, lane);
        for (int i = offset; i < offset + count; i++)
        {
            if (_writers[i] == Copy)
                throw warp.Finding(FindingKind.CopyInFlight, $"lane {lane} writes byte {i} of shared memory");
            if (IsUnordered(warp, _writers[i], use))
                throw Race(warp, lane, i, "writes", "wrote", _writers[i]);
            if (IsUnordered(warp, _readers[i], use))
                throw Race(warp, lane, i, "writes", "read", _readers[i]);
            _writers[i] = writer;
        }
    }

    private bool IsUnordered(Warp warp, uint earlier, uint use)
    {
        uint thread = earlier & ThreadMask;
        if (earlier < _sinceOfBlock || thread == (use & ThreadMask))
            return false;
        bool isOfWarp = thread < WholeWarp ? thread / 32 == warp.Index : thread == WholeWarp + warp.Index;
        return !isOfWarp || earlier >= warp.SinceBarrier;
    }

    /// <summary>Whether nobody wrote 16 bytes since the last barrier, and somebody did before.</summary>
    private bool IsOldEnough(int offset)
    {
        Vector256<uint> one = Vector256<uint>.One, limit = Vector256.Create(_sinceOfBlock - 1);
        Vector256<uint> first = Vector256.Create(_writers, offset) - one;
        Vector256<uint> second = Vector256.Create(_writers, offset + Vector256<uint>.Count) - one;
        return Vector256.LessThanAll(Vector256.Max(first, second), limit);
    }

    private bool AreReadersOld(int offset, uint use)
    {
        Vector256<uint> limit = Vector256.Create(_sinceOfBlock), me = Vector256.Create(use);
        Vector256<uint> first = Vector256.Create(_readers, offset);
        Vector256<uint> second = Vector256.Create(_readers, offset + Vector256<uint>.Count);
        Vector256<uint> isFine = (Vector256.LessThan(first, limit) | Vector256.Equals(first, me))
            & (Vector256.LessThan(second, limit) | Vector256.Equals(second, me));
        return isFine == Vector256<uint>.AllBitsSet;
    }

    private uint Joined(Warp warp, uint earlier, uint use)
    {
        uint thread = earlier & ThreadMask, me = use & ThreadMask, whole = WholeWarp + (uint)warp.Index;
        if (earlier < _sinceOfBlock || thread == me)
            return use;
        bool isOfWarp = thread == whole || (thread < WholeWarp && thread / 32 == warp.Index);
        return (use & ~ThreadMask) | (isOfWarp ? whole : SeveralWarps);
    }

    private int Checked(Warp warp, uint address, int count)
    {
        if (address + (long)count > _data.Length)
            throw warp.Finding(FindingKind.OutOfBounds, $"byte {address} of {_data.Length} bytes of shared memory");
        return address % count == 0
            ? (int)address
            : throw warp.Finding(FindingKind.Misaligned, $"byte {address} of shared memory, {count} bytes at once");
    }

    private static EmulationException Race(Warp warp, int lane, int at, string now, string before, uint earlier)
    {
        uint thread = earlier & ThreadMask;
        string who = thread < WholeWarp ? $"thread {thread}" : "several threads";
        return warp.Finding(FindingKind.Race, $"lane {lane} {now} byte {at} of shared memory, which {who} {before}");
    }
}
