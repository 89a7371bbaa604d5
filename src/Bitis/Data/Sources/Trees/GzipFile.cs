using System.Buffers.Binary;
using System.IO.Compression;

namespace Bitis.Data.Sources.Trees;

/// <summary>Unpacks files compressed with gzip.</summary>
/// <remarks>
/// Work and memory: at most 1032 times the file (deflate's best ratio), and at most what the caller allows.
/// </remarks>
internal static class GzipFile
{
    private const int MaxDeflateRatio = 1032;

    /// <summary>The fewest bytes of a file: a header of 10 bytes, a checksum and a length.</summary>
    private const int LeastLength = 18;

    /// <summary>Whether a file starts with the signature of gzip.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> start) => start.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]);

    /// <summary>The most bytes that a file can unpack to.</summary>
    public static long MaxLength(DataFile file) => file.Length * MaxDeflateRatio;

    /// <summary>Inflates the start of a file.</summary>
    /// <param name="compressed">The first bytes of the file.</param>
    /// <param name="start">Receives the inflated bytes, as many as there are and the buffer holds.</param>
    /// <returns>The number of inflated bytes; 0 if the file is damaged.</returns>
    public static int ReadStart(ReadOnlySpan<byte> compressed, Span<byte> start)
    {
        int count = 0;
        try
        {
            using var inflated = new GZipStream(new MemoryStream(compressed.ToArray()), CompressionMode.Decompress);
            for (int read; count < start.Length && (read = inflated.Read(start[count..])) > 0;)
                count += read;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            // Either the end of the bytes that were given, or not gzip.
        }
        return count;
    }

    /// <summary>Inflates a whole file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="maxBytes">The most bytes to accept.</param>
    /// <param name="tooLong">The message if there are more.</param>
    /// <param name="cancellationToken">Ends the unpacking.</param>
    /// <exception cref="BitisException">The file is damaged, or there are more bytes.</exception>
    public static ReadOnlyMemory<byte> Inflate(
        DataFile file, int maxBytes, string tooLong, CancellationToken cancellationToken = default)
    {
        using var source = new DataFileStream(file, cancellationToken);
        try
        {
            using var stream = new GZipStream(source, CompressionMode.Decompress, leaveOpen: true);
            byte[] bytes = GC.AllocateUninitializedArray<byte>((int)Math.Min(StatedLength(file), maxBytes));
            int count = 0;
            while (true)
            {
                count += stream.ReadAtLeast(bytes.AsSpan(count), bytes.Length - count, throwOnEndOfStream: false);
                if (count < bytes.Length || stream.ReadByte() is not (>= 0 and var next))
                    return bytes.AsMemory(0, count);
                if (count == maxBytes)
                    throw BitisException.InFile(file.Name, tooLong);
                Array.Resize(ref bytes, (int)Math.Min(Math.Max(2L * count, 1 << 16), maxBytes));
                bytes[count++] = (byte)next;
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            // The reader reads past the file's end only if its own end mark is missing.
            string problem = source.Position > file.Length
                ? "was cut off. Download or copy it again."
                : $"is damaged: {e.Message}";
            throw new BitisException($"{file.Name}: the gzip file {problem}", e);
        }
    }

    /// <summary>
    /// The length in the file's last bytes, if it is plausible; with several members, that of the last.
    /// </summary>
    private static long StatedLength(DataFile file)
    {
        if (file.Length < LeastLength)
            return 0;
        Span<byte> length = stackalloc byte[sizeof(uint)];
        file.ReadExactly(length, file.Length - length.Length);
        return Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(length), MaxLength(file));
    }
}
