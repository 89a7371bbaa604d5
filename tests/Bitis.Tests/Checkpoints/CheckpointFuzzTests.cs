using System.Diagnostics;
using System.IO.Compression;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using FsCheck;
using FsCheck.Fluent;
using Builder = Bitis.Tests.Checkpoints.PickleBuilder;

namespace Bitis.Tests.Checkpoints;

/// <summary>
/// Small valid files with flipped, cut, inserted, repeated and spliced bytes: each is read, or refused with a
/// <see cref="BitisException"/>, in memory that its length bounds. <c>BITIS_FUZZ=n</c> runs n cases of each kind.
/// </summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class CheckpointFuzzTests : IDisposable
{
    private static readonly int Cases =
        int.TryParse(Environment.GetEnvironmentVariable("BITIS_FUZZ"), out int cases) ? cases : 800;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Damaged_safetensors_are_read_or_refused()
    {
        string path = _folder["original"];
        SafetensorsWriter.Write(
            path,
            [
                new("a", DType.Float32, [2, 3], new byte[24]),
                new("b", DType.Float16, [4], new byte[8]),
                new("c", DType.Int8, [], new byte[1]),
            ],
            new Dictionary<string, string> { ["k"] = "v" });
        Fuzz(File.ReadAllBytes(path));
    }

    [Fact]
    public void Damaged_archives_are_read_or_refused() => Fuzz(TorchFiles.Zip(Pickle(legacy: false), Storages()));

    [Fact]
    public void Damaged_compressed_archives_are_read_or_refused() =>
        Fuzz(TorchFiles.Zip(Pickle(legacy: false), Storages(), CompressionLevel.Optimal));

    [Fact]
    public void Damaged_legacy_files_are_read_or_refused() =>
        Fuzz(TorchFiles.Legacy(Pickle(legacy: true), ("0", 6, new byte[24])));

    /// <summary>The archive's checksums would stop most mutations before the pickle is looked at; here they are
    /// right.</summary>
    [Fact]
    public void Damaged_pickles_in_intact_archives_are_read_or_refused() =>
        Fuzz(Pickle(legacy: false), pickle => TorchFiles.Zip(pickle, Storages()));

    [Theory]
    [InlineData("beside-2.pkl")]
    [InlineData("beside-5.pkl")]
    [InlineData("module-4.pkl")]
    public void Damaged_pickles_of_objects_and_modules_are_read_or_refused(string name) =>
        Fuzz(File.ReadAllBytes(GoldenFiles.Path($"pickles/{name}")), pickle => TorchFiles.Zip(pickle, Storages()));

    [Fact]
    public void Damaged_indexes_are_read_or_refused()
    {
        foreach (string name in (string[])["a", "b"])
            SafetensorsWriter.Write(_folder[name], [new(name, DType.Float32, [2], new byte[8])]);
        Fuzz([.. """{"metadata":{"total_size":16},"weight_map":{"a":"a","b":"b"}}"""u8]);
    }

    private static byte[] Pickle(bool legacy) => Builder.Of(new Dictionary<string, object?>
    {
        ["model"] = new Dictionary<string, object?>
        {
            ["a"] = Builder.Tensor("FloatStorage", "0", 6, [2L, 3L], [3L, 1L], legacy: legacy),
            ["b"] = Builder.Tensor("FloatStorage", "0", 6, [3L, 2L], [1L, 3L], legacy: legacy),
        },
        ["epoch"] = 300L,
        ["args"] = Builder.Object(
            "argparse", "Namespace", new() { ["lr"] = 0.5, ["sizes"] = new List<object?> { 1L, 2L, "x" } }),
    });

    private static Dictionary<string, byte[]> Storages() => new() { ["0"] = TorchFiles.Floats(1, 2, 3, 4, 5, 6) };

    private void Fuzz(byte[] original, Func<byte[], byte[]>? wrap = null)
    {
        wrap ??= bytes => bytes;
        Assert.True(TryRead(wrap(original)));
        Config config = Config.QuickThrowOnFailure.WithReplay(20_26, 11).WithMaxTest(Cases);
        Check.One(config, Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            byte[] file = wrap(Mutation.Of(original, new Random(seed)));
            string path = _folder.Write("fuzz", file);
            var clock = Stopwatch.StartNew();
            long before = GC.GetAllocatedBytesForCurrentThread();
            TryRead(path);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            // What is compressed may inflate to 1 MiB in any file, if deflate's best ratio allows it.
            long inflated = Math.Min(1 << 20, 1032L * file.Length);
            Assert.True(
                allocated <= (256 << 10) + (256L * file.Length)
                    + inflated, $"{allocated} bytes for a file of {file.Length}");
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"{clock.Elapsed}");
        }));
    }

    private bool TryRead(byte[] file) => TryRead(_folder.Write("fuzz", file));

    private static bool TryRead(string path)
    {
        try
        {
            using var checkpoint = Checkpoint.Open(path);
            foreach (CheckpointEntry entry in checkpoint.Entries)
                checkpoint.Read(entry.Name);
            return true;
        }
        catch (BitisException e)
        {
            Assert.StartsWith(path, e.Message);
            return false;
        }
    }
}
