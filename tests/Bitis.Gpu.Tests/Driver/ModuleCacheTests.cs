using Bitis.Gpu.Driver;

namespace Bitis.Gpu.Tests.Driver;

/// <summary>Assembled kernels on disk.</summary>
public sealed class ModuleCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bitis-modules-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string? Absolute(string? name) => name is null or "" ? name : Path.Combine(_folder, name);

    [Fact]
    public void What_was_added_is_found_until_it_is_removed()
    {
        var cache = new ModuleCache(Path.Combine(_folder, "new", "folder"));
        Assert.Null(cache.Find("key"));
        cache.Add("key", [1, 2, 3]);
        Assert.Equal([1, 2, 3], cache.Find("key"));
        Assert.Null(cache.Find("other key"));
        cache.Add("key", [4]);
        Assert.Equal([4], cache.Find("key"));
        cache.Remove("key");
        Assert.Null(cache.Find("key"));
        cache.Remove("key");
    }

    [Theory]
    [InlineData("caches", "home", "caches")]
    [InlineData(null, "home", "home/.cache")]
    [InlineData("", "home", "home/.cache")]
    [InlineData("caches", "", "caches")]
    public void The_folder_of_the_user_is_absolute(string? cacheHome, string profile, string expected) =>
        Assert.Equal(
            Path.Combine([_folder, .. expected.Split('/'), "bitis", "gpu"]),
            ModuleCache.FolderOf(Absolute(cacheHome), Absolute(profile)!));

    [Theory]
    [InlineData(null, "")]
    [InlineData("caches", "")]
    [InlineData("./caches", "home")]
    public void A_relative_folder_is_not_used(string? cacheHome, string profile)
    {
        Assert.Null(ModuleCache.FolderOf(cacheHome, profile));
        Assert.Equal(
            Path.Combine(_folder, ".cache", "bitis", "gpu"), ModuleCache.FolderOf(cacheHome, _folder));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    public void Cut_files_count_as_not_there(int length)
    {
        var cache = new ModuleCache(_folder);
        cache.Add("key", [1, 2, 3]);
        string file = Assert.Single(Directory.GetFiles(_folder));
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..length]);
        Assert.Null(cache.Find("key"));
        cache.Add("key", [1, 2, 3]);
        Assert.Equal([1, 2, 3], cache.Find("key"));
    }

    [Fact]
    public void Each_changed_bit_counts_as_damage()
    {
        var cache = new ModuleCache(_folder);
        cache.Add("key", [1, 2, 3]);
        string file = Assert.Single(Directory.GetFiles(_folder));
        byte[] whole = File.ReadAllBytes(file);
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] changed = [.. whole];
            changed[i] ^= 0x10;
            File.WriteAllBytes(file, changed);
            Assert.Null(cache.Find("key"));
        }
    }

    /// <summary>A reader sees one of the files that were written, or none, and no file is left over.</summary>
    [Fact]
    public void Writers_and_readers_may_share_the_folder()
    {
        const int Writers = 4, Rounds = 20, Bytes = 10_000;
        var caches = Enumerable.Range(0, Writers).Select(_ => new ModuleCache(_folder)).ToArray();
        Parallel.For(0, Writers, new ParallelOptions { MaxDegreeOfParallelism = Writers }, writer =>
        {
            byte[] mine = [.. Enumerable.Repeat((byte)writer, Bytes)];
            for (int round = 0; round < Rounds; round++)
            {
                caches[writer].Add("key", mine);
                byte[] found = caches[writer].Find("key")!;
                Assert.Equal(Bytes, found.Length);
                Assert.True(found[0] < Writers && found.AsSpan().IndexOfAnyExcept(found[0]) < 0);
            }
        });
        Assert.Single(Directory.GetFiles(_folder));
    }
}
