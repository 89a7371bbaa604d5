using Bitis.Data.Sources.Trees;

namespace Bitis.Data.Sources;

/// <summary>A file from its start to its end, as a stream for <see cref="GzipFile"/>.</summary>
/// <remarks>
/// After the end come some bytes of ones: the platform's reader does not miss a checksum that was cut off, but finds
/// that these are a wrong one.
/// </remarks>
/// <param name="file">The file, which stays open.</param>
/// <param name="cancellationToken">Ends the reading, also within one call of the platform's reader.</param>
internal sealed class DataFileStream(DataFile file, CancellationToken cancellationToken) : Stream
{
    /// <summary>The bytes of a checksum and a length.</summary>
    private const int Padding = 8;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => file.Length + Padding;

    public override long Position { get; set; }

    public override int Read(Span<byte> buffer)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int count = (int)Math.Clamp(file.Length - Position, 0, buffer.Length);
        if (count > 0)
        {
            file.ReadExactly(buffer[..count], Position);
        }
        else
        {
            if (Position == Length)
                throw new InvalidDataException("the data have no end"); // the reader would take these for whole
            count = (int)Math.Min(Length - Position, buffer.Length);
            buffer[..count].Fill(byte.MaxValue);
        }
        Position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
