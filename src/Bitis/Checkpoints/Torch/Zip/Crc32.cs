using System.Buffers.Binary;

namespace Bitis.Checkpoints.Torch.Zip;

/// <summary>The checksum of zip archives: CRC-32, polynomial 0xEDB88320.</summary>
/// <remarks>
/// The platform's own is internal to its archive classes, and the processor's instruction computes another polynomial.
/// Eight bytes at a time ("slicing by 8").
/// </remarks>
internal static class Crc32
{
    private static readonly uint[][] Tables = BuildTables();

    /// <summary>The checksum of what came before, <paramref name="crc"/>, followed by
    /// <paramref name="bytes"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc;
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = Tables[7][low & 0xFF] ^ Tables[6][(low >> 8) & 0xFF]
                ^ Tables[5][(low >> 16) & 0xFF] ^ Tables[4][low >> 24]
                ^ Tables[3][high & 0xFF] ^ Tables[2][(high >> 8) & 0xFF]
                ^ Tables[1][(high >> 16) & 0xFF] ^ Tables[0][high >> 24];
        }
        foreach (byte value in bytes)
            crc = (crc >> 8) ^ Tables[0][(crc ^ value) & 0xFF];
        return ~crc;
    }

    /// <summary>Table k holds what a byte becomes after k further bytes of zeros.</summary>
    private static uint[][] BuildTables()
    {
        uint[][] tables = [.. Enumerable.Range(0, 8).Select(_ => new uint[256])];
        for (uint value = 0; value < 256; value++)
        {
            uint crc = value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            tables[0][value] = crc;
        }
        for (int k = 1; k < 8; k++)
        {
            for (int value = 0; value < 256; value++)
                tables[k][value] = (tables[k - 1][value] >> 8) ^ tables[0][tables[k - 1][value] & 0xFF];
        }
        return tables;
    }
}
