using System.IO.MemoryMappedFiles;

namespace Bitis.Checkpoints;

/// <summary>A file mapped into memory, read-only: opening costs nothing, and only what is read is loaded.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _mapping;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _start;

    private MappedFile(string path, long length, MemoryMappedFile mapping)
    {
        Path = path;
        Length = length;
        _mapping = mapping;
        _view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    /// <summary>The path as the user gave it.</summary>
    public string Path { get; }

    /// <summary>The size in bytes; at least 1, because an empty file cannot be mapped.</summary>
    public long Length { get; }

    /// <summary>Maps a file.</summary>
    /// <exception cref="BitisException">It is missing, a folder, empty or unreadable.</exception>
    public static MappedFile Open(string path)
    {
        if (Directory.Exists(path))
            throw BitisException.InFile(path, "this is a folder; give the checkpoint file inside it.");
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            if (stream.Length == 0)
                throw BitisException.InFile(path, "the file is empty (0 bytes); download or copy it again.");
            var mapping = MemoryMappedFile.CreateFromFile(
                stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            return new MappedFile(path, stream.Length, mapping);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BitisException($"{path}: there is no such file; check the path.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new BitisException($"{path}: the file may not be read; check its permissions.", e);
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            throw new BitisException($"{path}: the file cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Some bytes of the file; valid until this is disposed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the file: the caller has to check
    /// first.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        return new ReadOnlySpan<byte>(_start + offset, length);
    }

    /// <summary>The error for a problem in this file.</summary>
    public BitisException Error(string problem) => BitisException.InFile(Path, problem);

    /// <inheritdoc />
    public void Dispose()
    {
        if (_start is null)
            return;
        _start = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _mapping.Dispose();
    }
}
