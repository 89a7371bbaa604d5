using System.Buffers.Binary;
using System.IO.Compression;

namespace Bitis.Checkpoints.Torch.Zip;

/// <summary>The contents of a file in a zip archive; the checksum is verified at the first reading.</summary>
/// <remarks>
/// A compressed one is inflated once and kept, however many tensors lie in it: work and memory are those of its size.
/// </remarks>
internal sealed class ZipBytes(CheckpointFile file, ZipEntry entry) : StoredBytes
{
    private const int LocalHeaderLength = 30;
    private const int ChunkLength = 1 << 20;

    private long? _start;
    private byte[]? _inflated;

    /// <inheritdoc />
    public override long Length => entry.Length;

    /// <inheritdoc />
    public override void Read(long offset, Span<byte> destination)
    {
        if (entry.IsDeflated)
        {
            _inflated ??= Inflate(FindStart());
            _inflated.AsSpan((int)offset, destination.Length).CopyTo(destination);
            return;
        }
        long start = _start ?? FindStart();
        if (_start is null && destination.Length == entry.Length)
        {
            file.Read(start, destination);
            CheckCrc(Crc32.Append(0, destination));
        }
        else
        {
            if (_start is null)
                Verify(start);
            file.Read(start + offset, destination);
        }
        _start = start;
    }

    /// <summary>The local header repeats the name and adds fields of its own; the contents follow.</summary>
    private long FindStart()
    {
        if (entry.HeaderOffset <= file.Length - LocalHeaderLength)
        {
            Span<byte> header = stackalloc byte[LocalHeaderLength];
            file.Read(entry.HeaderOffset, header);
            long start = entry.HeaderOffset + LocalHeaderLength
                + BinaryPrimitives.ReadUInt16LittleEndian(header[26..]) + BinaryPrimitives.ReadUInt16LittleEndian(
                    header[28..]);
            if (header.StartsWith("PK\x03\x04"u8) && start <= file.Length - entry.CompressedLength)
                return start;
        }
        throw Damaged("its header is not where the directory says");
    }

    private void Verify(long start)
    {
        uint crc = 0;
        byte[] chunk = new byte[Math.Min(ChunkLength, entry.Length)];
        for (long done = 0; done < entry.Length; done += chunk.Length)
        {
            Span<byte> part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, entry.Length - done));
            file.Read(start + done, part);
            crc = Crc32.Append(crc, part);
        }
        CheckCrc(crc);
    }

    private byte[] Inflate(long start)
    {
        if (entry.Length > Array.MaxLength || entry.CompressedLength > Array.MaxLength)
            throw Damaged("it is compressed and larger than 2 GiB");
        using var source = new MemoryStream(file.Read(start, (int)entry.CompressedLength));
        using var inflater = new DeflateStream(source, CompressionMode.Decompress);
        byte[] contents = GC.AllocateUninitializedArray<byte>((int)entry.Length);
        file.CountBytes(contents.Length);
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
