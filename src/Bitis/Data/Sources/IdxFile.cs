using System.Buffers.Binary;
using System.IO.Compression;

namespace Bitis.Data.Sources;

/// <summary>A file of bytes in MNIST's IDX format, also gzipped, read whole.</summary>
/// <remarks>Work and memory: at most 1032 times the file (deflate's best ratio) and 1 GiB, checked by the header.</remarks>
/// <param name="Sizes">The sizes of the dimensions, outermost first.</param>
/// <param name="Data">The values, row-major.</param>
internal sealed record IdxFile(IReadOnlyList<int> Sizes, byte[] Data)
{
    private const int MaxDataBytes = 1 << 30;
    private const int MaxDeflateRatio = 1032;
    private const byte UnsignedByte = 0x08;

    /// <summary>Whether a file starts as an IDX file of bytes with some dimensions does, looking into gzip.</summary>
    public static bool Recognizes(string path, int rank)
    {
        using FileStream file = InputFile.Open(path);
        Span<byte> start = stackalloc byte[4];
        try
        {
            using Stream stream = Decompressed(file);
            return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
                && start.SequenceEqual((ReadOnlySpan<byte>)[0, 0, UnsignedByte, (byte)rank]);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Reads a file that must have <paramref name="rank"/> dimensions.</summary>
    /// <exception cref="BitisException">The header is another one, or the length does not fit it.</exception>
    public static IdxFile Read(string path, int rank)
    {
        using FileStream file = InputFile.Open(path);
        long fileLength = file.Length;
        try
        {
            using Stream stream = Decompressed(file);
            byte[] header = new byte[4 + rank * sizeof(int)];
            stream.ReadExactly(header);
            if (!header.AsSpan(0, 4).SequenceEqual((ReadOnlySpan<byte>)[0, 0, UnsignedByte, (byte)rank]))
            {
                throw BitisException.InFile(
                    path,
                    $"the file starts with {Convert.ToHexString(header.AsSpan(0, 4))}; an IDX file of bytes with "
                    + $"{rank} dimensions starts with 000008{rank:X2}.");
            }
            int[] sizes = new int[rank];
            long length = 1;
            for (int i = 0; i < rank; i++)
            {
                sizes[i] = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4 + i * sizeof(int)));
                length = sizes[i] <= 0 || length > MaxDataBytes ? 0 : length * sizes[i];
            }
            long possible = stream is GZipStream ? fileLength * MaxDeflateRatio : fileLength - header.Length;
            if (length is <= 0 or > MaxDataBytes || length > possible)
            {
                throw BitisException.InFile(
                    path,
                    $"the header states the sizes {string.Join('×', sizes)}, which do not fit a file of {fileLength} "
                    + "bytes.");
            }

            byte[] data = new byte[length];
            stream.ReadExactly(data);
            if (stream.ReadByte() >= 0)
            {
                throw BitisException.InFile(
                    path,
                    $"the file goes on after the {length} values that its header states.");
            }
            return new IdxFile(sizes, data);
        }
        catch (EndOfStreamException e)
        {
            throw new BitisException($"{path}: the IDX file is truncated.", e);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw new BitisException($"{path}: the IDX file is damaged: {e.Message}", e);
        }
    }

    private static Stream Decompressed(FileStream file)
    {
        bool isGzip = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
        file.Position = 0;
        return isGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
    }
}
