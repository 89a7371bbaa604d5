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

    /// <summary>The folder of the user; null if the user has none.</summary>
    public static ModuleCache? OfUser => FolderOf(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME"),
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)) is { } folder
        ? new ModuleCache(folder)
        : null;

    /// <summary><c>bitis/gpu</c> in <c>XDG_CACHE_HOME</c> or <c>~/.cache</c>; null if neither is absolute.</summary>
    /// <remarks>A relative folder would change with the current one. The specification of XDG ignores it.</remarks>
    /// <param name="cacheHome">The variable, if it is set.</param>
    /// <param name="profile">The user's home; empty if there is none.</param>
    internal static string? FolderOf(string? cacheHome, string profile)
    {
        string? caches = Path.IsPathFullyQualified(cacheHome ?? "") ? cacheHome
            : Path.IsPathFullyQualified(profile) ? Path.Combine(profile, ".cache")
            : null;
        return caches is null ? null : Path.Combine(caches, "bitis", "gpu");
    }

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
