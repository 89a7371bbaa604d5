using Bitis.Files;
using Microsoft.Win32.SafeHandles;

namespace Bitis.Checkpoints;

/// <summary>An open file that is read piece by piece into managed memory.</summary>
/// <remarks>
/// The file is not memory-mapped. If another process truncates a mapped file, an access ends this process, while a
/// short read is an ordinary error.
/// </remarks>
internal sealed class CheckpointFile : IDisposable
{
    private readonly SafeFileHandle _handle;
    private long _bytesProcessed;

    private CheckpointFile(string path, long length, SafeFileHandle handle)
    {
        Path = path;
        Length = length;
        _handle = handle;
    }

    /// <summary>The path as the user gave it.</summary>
    public string Path { get; }

    /// <summary>The size in bytes when it was opened; at least 1.</summary>
    public long Length { get; }

    /// <summary>The bytes read from the file or inflated so far, which docs/limits.md limits.</summary>
    public long BytesProcessed => Interlocked.Read(ref _bytesProcessed);

    /// <summary>Opens a file.</summary>
    /// <exception cref="BitisException">The file is missing, not a regular file, empty or unreadable.</exception>
    public static CheckpointFile Open(string path)
    {
        InputPath.RequireFile(path, "a checkpoint file");
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, share: FileShare.Read | FileShare.Delete);
            long length = RandomAccess.GetLength(handle);
            if (length == 0)
                throw BitisException.InFile(path, "the file is empty (0 bytes); download or copy it again.");
            return new CheckpointFile(path, length, handle);
        }
        catch (Exception e)
        {
            handle?.Dispose();
            throw e switch
            {
                FileNotFoundException or DirectoryNotFoundException =>
                    new BitisException($"{path}: there is no such file; check the path.", e),
                UnauthorizedAccessException =>
                    new BitisException($"{path}: the file may not be read; check its permissions.", e),
                IOException or ArgumentException or NotSupportedException =>
                    new BitisException($"{path}: the file cannot be opened: {e.Message}", e),
                _ => e,
            };
        }
    }

    /// <summary>Reads bytes until <paramref name="destination"/> is full.</summary>
    /// <exception cref="BitisException">The file was truncated, or cannot be read.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The range exceeds the file; the caller must check first.
    /// </exception>
    public void Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - destination.Length);
        CountBytes(destination.Length);
        try
        {
            while (!destination.IsEmpty)
            {
                int count = RandomAccess.Read(_handle, destination, offset);
                if (count == 0)
                {
                    throw Error(
                        $"the file was cut off while it was read: it had {Length} bytes when it was opened, and ends "
                        + $"at byte {offset} or before now. Copy it again, and do not write to it while it is used.");
                }
                destination = destination[count..];
                offset += count;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException($"{Path}: the file cannot be read at byte {offset}: {e.Message}", e);
        }
    }

    /// <summary>Reads bytes. The caller has checked that this much memory is allowed.</summary>
    /// <exception cref="BitisException">The file was truncated, or cannot be read.</exception>
    public byte[] Read(long offset, int length)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(length);
        Read(offset, bytes);
        return bytes;
    }

    /// <summary>Counts bytes that were read or inflated.</summary>
    public void CountBytes(long count) => Interlocked.Add(ref _bytesProcessed, count);

    /// <summary>The error for a problem in this file.</summary>
    public BitisException Error(string problem) => BitisException.InFile(Path, problem);

    /// <inheritdoc />
    public void Dispose() => _handle.Dispose();
}
