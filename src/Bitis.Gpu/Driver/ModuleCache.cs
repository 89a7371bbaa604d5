using System.Security.Cryptography;
using System.Text;
using Bitis.Files;

namespace Bitis.Gpu.Driver;

/// <summary>Assembled kernels in a folder, so that only the first start waits for the assembler.</summary>
/// <remarks>
/// A file is named by the digest of its key, and begins with the digest of its contents. What is damaged counts as not
/// there. Files are replaced as a whole, so processes may share the folder. A folder that cannot be written to only
/// costs time.
/// </remarks>
/// <param name="folder">The folder, which is made when it is needed.</param>
internal sealed class ModuleCache(string folder)
{
    private const string Extension = ".cubin";

    /// <summary>The folder of the user: <c>bitis/gpu</c> in <c>XDG_CACHE_HOME</c> or <c>~/.cache</c>.</summary>
    public static ModuleCache OfUser => new(Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } home
            ? home
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "bitis",
        "gpu"));

    /// <summary>An assembled kernel; null if there is none that is whole.</summary>
    /// <param name="key">The device, its driver, and the text.</param>
    public byte[]? Find(string key)
    {
        try
        {
            byte[] file = File.ReadAllBytes(PathOf(key));
            if (file.Length <= SHA256.HashSizeInBytes)
                return null;
            byte[] contents = file[SHA256.HashSizeInBytes..];
            return SHA256.HashData(contents).AsSpan().SequenceEqual(file.AsSpan(0, SHA256.HashSizeInBytes))
                ? contents
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps an assembled kernel, in place of a damaged one.</summary>
    public void Add(string key, ReadOnlySpan<byte> contents)
    {
        byte[] copy = contents.ToArray();
        try
        {
            Directory.CreateDirectory(folder);
            AtomicFile.Write(
                PathOf(key),
                stream =>
                {
                    stream.Write(SHA256.HashData(copy));
                    stream.Write(copy);
                });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or BitisException)
        {
            // A full or protected disk: the next start assembles the kernel again.
        }
    }

    /// <summary>Drops an assembled kernel that the driver does not take.</summary>
    public void Remove(string key)
    {
        try
        {
            File.Delete(PathOf(key));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is replaced by the next one.
        }
    }

    private string PathOf(string key) => Path.Combine(
        folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key))) + Extension);
}
