using Bitis.Data.Decoding;
using Microsoft.Win32.SafeHandles;

namespace Bitis.Data.Sources;

/// <summary>A file or a part of one, on disk or in memory, with random access from several threads.</summary>
internal sealed class DataFile : IDisposable
{
    private readonly SafeFileHandle? _handle;
    private readonly bool _ownsHandle;
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly long _start;

    private DataFile(
        string name, SafeFileHandle? handle, bool ownsHandle, ReadOnlyMemory<byte> bytes, long start, long length)
    {
        Name = name;
        _handle = handle;
        _ownsHandle = ownsHandle;
        _bytes = bytes;
        _start = start;
        Length = length;
    }

    /// <summary>The file's name in messages.</summary>
    public string Name { get; }

    /// <summary>The length in bytes.</summary>
    public long Length { get; }

    /// <summary>Opens a file on disk.</summary>
    /// <exception cref="BitisException">The file cannot be opened.</exception>
    public static DataFile Open(string path)
    {
        InputFile.RequireFile(path);
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path);
            return new DataFile(path, handle, ownsHandle: true, default, start: 0, RandomAccess.GetLength(handle));
        }
        catch (Exception e) when (InputFile.IsFileSystemFailure(e))
        {
            handle?.Dispose();
            throw InputFile.Failure(path, e);
        }
    }

    /// <summary>A file over bytes in memory.</summary>
    public static DataFile Of(string name, ReadOnlyMemory<byte> bytes) =>
        new(name, handle: null, ownsHandle: false, bytes, start: 0, bytes.Length);

    /// <summary>A part of this file, readable while this file is open.</summary>
    public DataFile Part(string name, long start, long length) =>
        new(name, _handle, ownsHandle: false, _bytes, _start + start, length);

    /// <summary>Fills a buffer with the bytes from an offset on.</summary>
    /// <exception cref="BitisException">The file ends before, or cannot be read.</exception>
    public void ReadExactly(Span<byte> buffer, long offset)
    {
        if (offset < 0 || offset > Length - buffer.Length)
        {
            throw BitisException.InFile(
                Name, $"the file ends at byte {Length}; {buffer.Length} were expected at {offset}.");
        }
        if (_handle is null)
        {
            _bytes.Span.Slice((int)(_start + offset), buffer.Length).CopyTo(buffer);
            return;
        }
        try
        {
            long position = _start + offset;
            while (!buffer.IsEmpty)
            {
                int read = RandomAccess.Read(_handle, buffer, position);
                if (read == 0)
                {
                    throw BitisException.InFile(
                        Name, $"the file ends at byte {position - _start}; it was longer when it was opened.");
                }
                buffer = buffer[read..];
                position += read;
            }
        }
        catch (Exception e) when (InputFile.IsFileSystemFailure(e))
        {
            throw InputFile.Failure(Name, e);
        }
    }

    /// <summary>Reads the first bytes, as many as the file has and the buffer holds.</summary>
    public int ReadStart(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, Length);
        ReadExactly(buffer[..count], offset: 0);
        return count;
    }

    /// <summary>All bytes.</summary>
    /// <exception cref="BitisException">The file has more bytes than allowed, or cannot be read.</exception>
    public byte[] ReadAll(int maxBytes)
    {
        if (Length > maxBytes)
        {
            throw BitisException.InFile(
                Name, $"the file has {DisplayText.Count(Length, "byte")}; at most {maxBytes} are accepted here.");
        }
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)Length);
        ReadExactly(bytes, offset: 0);
        return bytes;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_ownsHandle)
            _handle?.Dispose();
    }
}
