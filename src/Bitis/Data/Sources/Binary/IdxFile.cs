using System.Buffers.Binary;
using Bitis.Data.Sources.Trees;

namespace Bitis.Data.Sources.Binary;

/// <summary>A file of bytes in MNIST's IDX format, also gzipped, read whole.</summary>
/// <remarks>Work and memory: at most 1032 times the file (deflate's best ratio) and 1 GiB.</remarks>
/// <param name="Sizes">The sizes of the dimensions, outermost first.</param>
/// <param name="Data">The values, row-major.</param>
internal sealed record IdxFile(IReadOnlyList<int> Sizes, ReadOnlyMemory<byte> Data)
{
    /// <summary>The most bytes of a file, compressed or not.</summary>
    public const int MaxFileBytes = 1 << 30;

    private const byte UnsignedByte = 0x08;
    private const int StartLength = 512;

    /// <summary>
    /// Whether a file, also a gzipped one, starts as an IDX file of bytes with a number of dimensions.
    /// </summary>
    public static bool Recognizes(DataFile file, int rank)
    {
        Span<byte> start = stackalloc byte[StartLength];
        start = start[..file.ReadStart(start)];
        if (!GzipFile.Recognizes(start))
            return HasMagic(start, rank);
        Span<byte> inflated = stackalloc byte[4];
        return HasMagic(inflated[..GzipFile.ReadStart(start, inflated)], rank);
    }

    /// <summary>Reads a file that must have <paramref name="rank"/> dimensions.</summary>
    /// <exception cref="BitisException">The header is another one, or does not fit the length.</exception>
    public static IdxFile Read(DataFile file, int rank)
    {
        Span<byte> start = stackalloc byte[StartLength];
        start = start[..file.ReadStart(start)];
        bool isGzip = GzipFile.Recognizes(start);
        Span<byte> header = stackalloc byte[sizeof(int) * (1 + rank)];
        int read = isGzip ? GzipFile.ReadStart(start, header) : file.ReadStart(header);
        if (read < header.Length)
            throw BitisException.InFile(file.Name, $"the IDX file is truncated; its header has {header.Length} bytes.");
        if (!HasMagic(header, rank))
        {
            throw BitisException.InFile(
                file.Name,
                $"the file starts with {Convert.ToHexString(header[..4])}; an IDX file of bytes with "
                + $"{DisplayText.Count(rank, "dimension")} starts with 000008{rank:X2}.");
        }
        int[] sizes = new int[rank];
        long length = 1;
        for (int i = 0; i < rank; i++)
        {
            sizes[i] = BinaryPrimitives.ReadInt32BigEndian(header[(sizeof(int) * (1 + i))..]);
            length = sizes[i] <= 0 || length > MaxFileBytes ? 0 : length * sizes[i];
        }
        long possible = isGzip ? GzipFile.MaxLength(file) : file.Length;
        if (length <= 0 || length > Math.Min(MaxFileBytes, possible) - header.Length)
            throw WrongSizes(file, sizes, $"a file of {DisplayText.Count(file.Length, "byte")}");

        int whole = header.Length + (int)length;
        string goesOn = $"the file goes on after the {DisplayText.Count(length, "value")} that its header states.";
        ReadOnlyMemory<byte> bytes = isGzip ? GzipFile.Inflate(file, whole, goesOn) : file.ReadAll(MaxFileBytes);
        if (bytes.Length < whole)
            throw WrongSizes(file, sizes, $"the {DisplayText.Count(bytes.Length, "byte")} that there are");
        return bytes.Length == whole
            ? new IdxFile(sizes, bytes[header.Length..])
            : throw BitisException.InFile(file.Name, goesOn);
    }

    private static BitisException WrongSizes(DataFile file, int[] sizes, string there) => BitisException.InFile(
        file.Name, $"the header states the sizes {string.Join('×', sizes)}, which do not fit {there}.");

    private static bool HasMagic(ReadOnlySpan<byte> start, int rank) =>
        start.StartsWith((ReadOnlySpan<byte>)[0, 0, UnsignedByte, (byte)rank]);
}
