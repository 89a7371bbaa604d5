using System.Buffers.Binary;
using Bitis.Gpu.Emulation.Memory;

namespace Bitis.Gpu.Emulation.Instructions;

/// <summary>Loads or stores one to four values of a lane.</summary>
/// <param name="rows">The registers.</param>
/// <param name="elementBytes">The bytes of a value in memory.</param>
/// <param name="isSigned">Whether a byte is extended with its sign.</param>
/// <param name="isLoad">Whether it loads.</param>
/// <param name="offset">What is added to the address.</param>
internal abstract class MemoryInstruction(int[] rows, int elementBytes, bool isSigned, bool isLoad, int offset)
    : Instruction
{
    /// <summary>The bytes of all values of a lane.</summary>
    protected int Bytes => rows.Length * elementBytes;

    /// <summary>What is added to the address.</summary>
    protected int Offset => offset;

    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        if (!isLoad)
        {
            foreach (int row in rows)
                warp.RequireRow(row, mask);
        }
        RequireAddress(warp, mask);
        Measure(warp, mask);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) == 0)
                continue;
            if (isLoad)
                Take(warp, lane, Read(warp, lane));
            else
                Give(warp, lane, Write(warp, lane));
        }
        if (isLoad)
        {
            foreach (int row in rows)
                warp.WrittenRows[row] |= mask;
        }
    }

    /// <summary>Throws unless the address register was written.</summary>
    protected abstract void RequireAddress(Warp warp, uint mask);

    /// <summary>Counts what the memory has to do.</summary>
    protected abstract void Measure(Warp warp, uint mask);

    /// <summary>The bytes that a lane reads.</summary>
    protected abstract ReadOnlySpan<byte> Read(Warp warp, int lane);

    /// <summary>The bytes that a lane overwrites.</summary>
    protected abstract Span<byte> Write(Warp warp, int lane);

    private void Take(Warp warp, int lane, ReadOnlySpan<byte> bytes)
    {
        foreach (int row in rows)
        {
            warp.Row(row)[lane] = elementBytes switch
            {
                4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
                2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
                _ => isSigned ? (uint)(sbyte)bytes[0] : bytes[0],
            };
            bytes = bytes[elementBytes..];
        }
    }

    private void Give(Warp warp, int lane, Span<byte> bytes)
    {
        foreach (int row in rows)
        {
            uint value = warp.Row(row)[lane];
            switch (elementBytes)
            {
                case 4:
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
                    break;
                case 2:
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)value);
                    break;
                default:
                    bytes[0] = (byte)value;
                    break;
            }
            bytes = bytes[elementBytes..];
        }
    }
}

/// <summary>Loads from or stores to global memory.</summary>
internal sealed class GlobalInstruction(
    int[] rows, int elementBytes, bool isSigned, bool isLoad, bool isConstant, int address, int offset)
    : MemoryInstruction(rows, elementBytes, isSigned, isLoad, offset)
{
    private const int SectorBytes = 32;

    /// <inheritdoc />
    protected override void RequireAddress(Warp warp, uint mask) => warp.RequireLong(address, mask);

    /// <inheritdoc />
    protected override void Measure(Warp warp, uint mask)
    {
        Span<ulong> sectors = stackalloc ulong[Warp.Lanes];
        int count = 0;
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) == 0)
                continue;
            ulong sector = Address(warp, lane) / SectorBytes;
            if (!sectors[..count].Contains(sector))
                sectors[count++] = sector;
        }
        Measurements measurements = warp.Block.Device.Measurements;
        measurements.GlobalSectors += count;
        measurements.IdealGlobalSectors += ((uint.PopCount(mask) * Bytes) + SectorBytes - 1) / SectorBytes;
    }

    /// <inheritdoc />
    protected override ReadOnlySpan<byte> Read(Warp warp, int lane)
    {
        (EmulatedBuffer buffer, int at) = warp.Block.Device.Memory.Find(warp, Address(warp, lane), Bytes);
        return buffer.Read(warp, at, Bytes, isConstant);
    }

    /// <inheritdoc />
    protected override Span<byte> Write(Warp warp, int lane)
    {
        (EmulatedBuffer buffer, int at) = warp.Block.Device.Memory.Find(warp, Address(warp, lane), Bytes);
        return buffer.Write(warp, at, Bytes);
    }

    private ulong Address(Warp warp, int lane) => warp.Long(address)[lane] + (ulong)Offset;
}

/// <summary>Loads from or stores to shared memory.</summary>
internal sealed class SharedInstruction(
    int[] rows, int elementBytes, bool isSigned, bool isLoad, int address, int offset)
    : MemoryInstruction(rows, elementBytes, isSigned, isLoad, offset)
{
    /// <inheritdoc />
    protected override void RequireAddress(Warp warp, uint mask) => warp.RequireRow(address, mask);

    /// <inheritdoc />
    protected override void Measure(Warp warp, uint mask)
    {
        Span<uint> addresses = stackalloc uint[Warp.Lanes];
        for (int lane = 0; lane < Warp.Lanes; lane++)
            addresses[lane] = Address(warp, lane);
        SharedBanks.Count(warp, addresses, mask, Bytes);
    }

    /// <inheritdoc />
    protected override ReadOnlySpan<byte> Read(Warp warp, int lane) =>
        warp.Block.Shared.Read(warp, lane, Address(warp, lane), Bytes);

    /// <inheritdoc />
    protected override Span<byte> Write(Warp warp, int lane) =>
        warp.Block.Shared.Write(warp, lane, Address(warp, lane), Bytes);

    private uint Address(Warp warp, int lane) => warp.Row(address)[lane] + (uint)Offset;
}

/// <summary>The banks of shared memory: 32 of 4 bytes, each of which gives one word in a pass.</summary>
internal static class SharedBanks
{
    private const int Banks = 32, WordBytes = 4;

    /// <summary>Counts the passes of one instruction.</summary>
    /// <param name="warp">Who runs it.</param>
    /// <param name="addresses">The addresses of the lanes.</param>
    /// <param name="mask">The lanes that take part.</param>
    /// <param name="bytes">The bytes of a lane. With more than a word, fewer lanes share a pass.</param>
    public static void Count(Warp warp, ReadOnlySpan<uint> addresses, uint mask, int bytes)
    {
        int wordsOfLane = Math.Max(1, bytes / WordBytes), lanes = Warp.Lanes / wordsOfLane;
        Span<uint> words = stackalloc uint[Banks];
        Span<int> inBank = stackalloc int[Banks];
        Measurements measurements = warp.Block.Device.Measurements;
        for (int first = 0; first < Warp.Lanes; first += lanes)
        {
            inBank.Clear();
            int count = 0, worst = 0;
            for (int lane = first; lane < first + lanes; lane++)
            {
                for (int i = 0; i < wordsOfLane && (mask >> lane & 1) != 0; i++)
                {
                    uint word = (addresses[lane] / WordBytes) + (uint)i;
                    if (words[..count].Contains(word))
                        continue;
                    words[count++] = word;
                    worst = Math.Max(worst, ++inBank[(int)(word % Banks)]);
                }
            }
            measurements.SharedPasses += worst;
            measurements.IdealSharedPasses += worst > 0 ? 1 : 0;
        }
    }
}
