using System.Buffers.Binary;
using System.IO.Compression;

namespace Bitis.Checkpoints.Torch;

/// <summary>The contents of a file in a zip archive; the checksum is verified at the first reading.</summary>
internal sealed class ZipBytes(MappedFile file, ZipEntry entry) : StoredBytes
{
    private const int LocalHeaderLength = 30;
    private const int ChunkLength = 1 << 20;

    private long? _start;

    /// <inheritdoc />
    public override long Length => entry.Length;

    /// <inheritdoc />
    public override ReadOnlySpan<byte> Read(long offset, int count)
    {
        if (entry.IsDeflated)
            return Inflate(FindStart()).AsSpan((int)offset, count);
        _start ??= Verify(FindStart());
        return file.Slice(_start.Value + offset, count);
    }

    /// <summary>The local header repeats the name and adds fields of its own; the contents follow.</summary>
    private long FindStart()
    {
        if (entry.HeaderOffset <= file.Length - LocalHeaderLength)
        {
            ReadOnlySpan<byte> header = file.Slice(entry.HeaderOffset, LocalHeaderLength);
            long start = entry.HeaderOffset + LocalHeaderLength
                + BinaryPrimitives.ReadUInt16LittleEndian(header[26..]) + BinaryPrimitives.ReadUInt16LittleEndian(
                    header[28..]);
            if (header.StartsWith("PK\x03\x04"u8) && start <= file.Length - entry.CompressedLength)
                return start;
        }
        throw Damaged("its header is not where the directory says");
    }

    private long Verify(long start)
    {
        uint crc = 0;
        for (long done = 0; done < entry.Length; done += ChunkLength)
            crc = Crc32.Append(crc, file.Slice(start + done, (int)Math.Min(ChunkLength, entry.Length - done)));
        CheckCrc(crc);
        return start;
    }

    private byte[] Inflate(long start)
    {
        if (entry.Length > Array.MaxLength || entry.CompressedLength > Array.MaxLength)
            throw Damaged("it is compressed and larger than 2 GiB");
        byte[] contents = new byte[entry.Length];
        using var source = new MemoryStream(file.Slice(start, (int)entry.CompressedLength).ToArray());
        using var inflater = new DeflateStream(source, CompressionMode.Decompress);
        try
        {
            if (inflater.ReadAtLeast(contents, contents.Length, throwOnEndOfStream: false) != contents.Length
                || inflater.ReadByte() >= 0)
            {
                throw Damaged($"it does not expand to the {entry.Length} bytes that the directory says");
            }
        }
        catch (InvalidDataException e)
        {
            throw new BitisException(Damaged("its compressed data are broken").Message, e);
        }
        CheckCrc(Crc32.Append(0, contents));
        return contents;
    }

    private void CheckCrc(uint crc)
    {
        if (crc != entry.Crc)
            throw Damaged("its contents do not match their checksum");
    }

    private BitisException Damaged(string problem) =>
        file.Error($"'{entry.Name}' in the archive is damaged: {problem}. Download or copy the file again.");
}
