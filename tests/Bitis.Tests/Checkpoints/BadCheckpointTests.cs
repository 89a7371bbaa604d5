using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using Bitis.Checkpoints;
using Builder = Bitis.Tests.Checkpoints.PickleBuilder;

namespace Bitis.Tests.Checkpoints;

/// <summary>What is not a checkpoint, is damaged, or means harm ends in one message that says what to do.</summary>
public sealed class BadCheckpointTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Missing_and_empty_files_and_folders_are_named()
    {
        Assert.Contains("there is no such file", Message(_folder["none.pth"]));
        Assert.Contains("there is no such file", Message(Path.Combine(_folder.Path, "no", "none.pth")));
        Assert.Contains("this is a folder", Message(_folder.Path));
        Refused([], "the file is empty (0 bytes)");
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 14427056\n", "is a Git LFS pointer")]
    [InlineData("\n<!DOCTYPE html><html><head></head></html>", "is a web page (HTML)")]
    [InlineData("<html><body>Sign in</body></html>", "is a web page (HTML)")]
    [InlineData("hello, I am a text file\n", "is a text file (it begins with \"hello, I am a text file\")")]
    [InlineData("\u001F\u008B\u0008\0\0\0\0\0\0\0", "is a gzip file")]
    [InlineData("\u0089HDF\r\n\u001A\n\0\0", "is an HDF5 file")]
    [InlineData("\0\u0001\u0002\u0003\u0004\u0005", "the format is unknown (the first bytes are 000102030405)")]
    [InlineData("sys_info\0\0\0ustar", "is a tar archive")]
    public void Files_of_other_kinds_are_recognized(string contents, string expected) =>
        Refused(Encoding.Latin1.GetBytes(contents), expected);

    [Fact]
    public void Commands_in_pickles_are_refused_by_name()
    {
        (Builder Attack, string Name)[] attacks =
        [
            (new Builder().Global("posix", "system").Value(new object?[] { "touch owned" }).Raw('R'), "posix.system"),
            (new Builder().Global("os", "system").Value(new object?[] { "touch owned" }).Raw('R'), "os.system"),
            (new Builder().Global("builtins", "eval").Value(new object?[] { "1" }).Raw('R'), "builtins.eval"),
            (Attribute("torch.serialization", "os", "system"), "torch.serialization.os"),
            (Attribute("mylib", "Hook", "__globals__"), "mylib.Hook.__globals__"),
            (new Builder().Value("nt").Value("system").Raw(0x93), "nt.system"),
            (
                new Builder().Value("builtins").Value("exec").Raw(0x93).Value(new object?[] { "1" }).Raw('R'),
                "builtins.exec"),
            (new Builder().Raw('(').Value("1").Text("ios\nsystem\n"), "os.system"),
            (new Builder().Raw('(').Global("subprocess", "Popen").Value("1").Raw('o'), "subprocess.Popen"),
            (new Builder().Global("torch", "load").Value(new object?[] { "x" }).Raw('R'), "torch.load"),
            (new Builder().Global("numpy", "load"), "numpy.load"),
            (new Builder().Global("torch.utils.cpp_extension", "load"), "torch.utils.cpp_extension.load"),
        ];
        foreach ((Builder attack, string name) in attacks)
        {
            byte[] pickle = Builder.Of(new Dictionary<string, object?> { ["model"] = attack });
            foreach (byte[] file in (byte[][])[TorchFiles.Zip(pickle), TorchFiles.Legacy(pickle), pickle])
            {
                Refused(file, $"refuses the file for '{name}'");
                Refused(file, "the file may be malicious");
            }
        }
        Refused("cos\nsystem\n(S'touch owned'\ntR."u8.ToArray(), "refuses the file for 'os.system'");
        Assert.False(File.Exists("owned"));
    }

    [Fact]
    public void A_command_beside_the_weights_refuses_the_file()
    {
        byte[] pickle = Builder.Of(new Dictionary<string, object?>
        {
            ["model"] = new Dictionary<string, object?> { ["w"] = Builder.Tensor("FloatStorage", "0", 1, [1L], [1L]) },
            ["hook"] = new Builder().Global("os", "system").Value(new object?[] { "touch owned" }).Raw('R'),
        });
        byte[] file = TorchFiles.Zip(pickle, new Dictionary<string, byte[]> { ["0"] = new byte[4] });
        Refused(file, "refuses the file for 'os.system'");
    }

    [Fact]
    public void Names_that_are_too_long_are_refused()
    {
        RefusedPickle(new Builder().Global("a", new string('b', 200)), "a Python name has 201 characters");
        RefusedPickle(Attribute("a", "b", new string('c', 200)), "a Python name has 203 characters");
    }

    private static Builder Attribute(string module, string name, string attribute) => new Builder()
        .Global("builtins", "getattr").Value(new object?[] { new Builder().Global(module, name), attribute }).Raw('R');

    [Fact]
    public void Extensions_and_values_used_as_functions_are_refused()
    {
        RefusedPickle(new Builder().Raw(0x82, 1), "0x82 is not an instruction");
        RefusedPickle(
            new Builder().Value("print").Value(new object?[] { "1" }).Raw('R'), "a value is used as a constructor");
        RefusedPickle(new Builder().Global("torch", "float32").Raw(')', 'R'), "a value is used as a constructor");
        RefusedPickle(new Builder().Raw('0', '0'), "the stack is empty");
        RefusedPickle(new Builder().Raw('h', 9), "value 9 is recalled but was never stored");
        RefusedPickle(new Builder().Raw('X', 0xFF, 0xFF, 0xFF, 0x7F), "claims 2147483647 bytes");
        RefusedPickle(new Builder().Raw(0x8E, 0, 0, 0, 0, 0, 0, 0, 0x10), "claims 1152921504606846976 bytes");
    }

    [Fact]
    public void A_pickle_that_copies_without_end_is_refused_quickly()
    {
        // One list of 20,000 pairs is named 20,000 times: 400 million copies if nobody counts.
        var pickle = new Builder().Raw(0x80, 2, ']', 'q', 0, '(');
        for (int i = 0; i < 20_000; i++)
            pickle.Raw('N', 'N', 0x86);
        pickle.Raw('e', '0').Global("collections", "OrderedDict").Raw('q', 1, '0');
        for (int i = 0; i < 20_000; i++)
            pickle.Raw('h', 1, 'h', 0, 0x85, 'R', '0');
        var clock = Stopwatch.StartNew();
        Refused(TorchFiles.Zip(pickle.Raw('}', '.').ToArray()), "copies the same data over and over");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData(new object[] { 3L }, new object[] { 1L }, 0, "needs more elements than its storage of 8 bytes holds")]
    [InlineData(new object[] { 2L }, new object[] { 2L }, 0, "needs more elements")]
    [InlineData(new object[] { 1L }, new object[] { 1L }, 2, "needs more elements")]
    [InlineData(new object[] { 1L }, new object[] { 1L }, -1, "needs more elements")]
    [InlineData(new object[] { 1000000L }, new object[] { 0L }, 0, "claim 4000000 bytes, more than 64 times the file")]
    [InlineData(new object[] { 3L }, new object[] { 1L }, 0, "the shape [3] (strides [1], offset 0)")]
    [InlineData(new object[] { 2L }, new object[] { -1L }, 1, "the stride -1")]
    [InlineData(new object[] { -2L }, new object[] { 1L }, 0, "the size -2")]
    [InlineData(new object[] { 2L }, new object[] { long.MaxValue }, 1, "multiply to more than any file can hold")]
    [InlineData(
        new object[] { 2000000000L, 2000000000L, 2000000000L },
        new object[] { 1L, 1L, 1L },
        0,
        "multiply to more than any file can hold")]
    [InlineData(new object[] { 2L, 1L }, new object[] { 1L }, 0, "2 sizes and 1 strides")]
    public void Views_that_leave_their_storage_are_refused(
        object[] shape, object[] strides, long offset, string expected)
    {
        byte[] pickle = Builder.Of(
            new Dictionary<string, object?> { ["w"] = Builder.Tensor("FloatStorage", "0", 2, shape, strides, offset) });
        Refused(TorchFiles.Zip(pickle, new Dictionary<string, byte[]> { ["0"] = new byte[8] }), expected);
    }

    [Fact]
    public void Storages_that_are_missing_or_too_small_are_named()
    {
        byte[] pickle = Builder.Of(
            new Dictionary<string, object?> { ["w"] = Builder.Tensor("FloatStorage", "7", 2, [2L], [1L]) });
        Refused(TorchFiles.Zip(pickle), "the storage '7' is missing");
        byte[] small = TorchFiles.Zip(pickle, new Dictionary<string, byte[]> { ["7"] = new byte[7] });
        Refused(small, "should hold 2 elements of type torch.FloatStorage, but has 7 bytes");
        byte[] huge = Builder.Of(
            new Dictionary<string, object?>
            {
                ["w"] = Builder.Tensor("FloatStorage", "7", long.MaxValue, [2L], [1L], legacy: true),
            });
        Refused(TorchFiles.Legacy(huge, ("7", 2, new byte[8])), "claims 9223372036854775807 elements");
        byte[] legacy = Builder.Of(
            new Dictionary<string, object?>
            {
                ["w"] = Builder.Tensor("FloatStorage", "7", 2, [2L], [1L], legacy: true),
            });
        Refused(TorchFiles.Legacy(legacy, ("7", 3, new byte[8])), "claims 3 elements instead of 2");
        Refused(TorchFiles.Legacy(legacy), "the storage '7' is used but missing");
    }

    [Fact]
    public void Archives_that_are_not_checkpoints_are_refused()
    {
        Refused(TorchFiles.Zip(Builder.Of(null), byteOrder: "big"), "the byte order is 'big'");
        Refused(TorchFiles.Zip(Builder.Of(3L)), "does not hold a dictionary of weights");
        Refused(
            TorchFiles.Zip(Builder.Of(new Dictionary<string, object?> { ["epoch"] = 3L })), "The file holds: 'epoch'");
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            archive.CreateEntry("readme.txt").Open().Dispose();
        Refused(stream.ToArray(), "a zip archive without a data.pkl");
    }

    [Fact]
    public void A_zip_bomb_is_refused_without_expanding_it()
    {
        byte[] pickle = Builder.Of(
            new Dictionary<string, object?>
            {
                ["w"] = Builder.Tensor("ByteStorage", "0", 64 << 20, [64L << 20], [1L]),
            });
        byte[] bomb = TorchFiles.Zip(
            pickle, new Dictionary<string, byte[]> { ["0"] = new byte[64 << 20] }, CompressionLevel.Fastest);
        Assert.True(bomb.Length < 1 << 20);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused(bomb, "this is a zip bomb");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Theory]
    [InlineData("vim-micro.pth")]
    [InlineData("vim-micro.legacy.pth")]
    [InlineData("vim-micro.safetensors")]
    public void Truncated_files_are_refused_wherever_they_end(string name)
    {
        byte[] whole = File.ReadAllBytes(GoldenFiles.Path(name));
        int[] lengths =
        [
            1,
            2,
            4,
            7,
            8,
            9,
            16,
            30,
            100,
            1000,
            5000,
            whole.Length / 2,
            whole.Length - 100,
            whole.Length - 22,
            whole.Length - 1,
        ];
        foreach (int length in lengths)
        {
            string path = _folder.Write("cut.pth", whole.AsSpan(0, length));
            Assert.StartsWith(path + ": ", Message(path));
        }
        Refused(whole[..^1], "truncated");
    }

    [Fact]
    public void A_flipped_bit_in_a_weight_of_an_archive_is_found()
    {
        byte[] bytes = File.ReadAllBytes(GoldenFiles.Path("vim-micro.pth"));
        bytes[bytes.Length / 2] ^= 0x10;
        using var checkpoint = Checkpoint.Open(_folder.Write("flipped.pth", bytes));
        int damaged = 0;
        foreach (CheckpointEntry entry in checkpoint.Entries)
        {
            try
            {
                checkpoint.Read(entry.Name);
            }
            catch (BitisException e)
            {
                Assert.Contains($"tensor '{entry.Name}'", e.Message);
                Assert.Contains("do not match their checksum", e.Message);
                damaged++;
            }
        }
        Assert.Equal(1, damaged);
    }

    [Fact]
    public void Directory_entries_that_point_outside_are_refused()
    {
        byte[] zip = TorchFiles.Zip(Builder.Of(new Dictionary<string, object?>()));
        int directory = zip.AsSpan().LastIndexOf("PK\x01\x02"u8);
        byte[] outside = [.. zip];
        BinaryPrimitives.WriteUInt32LittleEndian(outside.AsSpan(directory + 42), 0x7FFF_FFFF);
        Refused(outside, "lies outside of the file");
        byte[] encrypted = [.. zip];
        encrypted[directory + 8] |= 1;
        Refused(encrypted, "is encrypted");
        byte[] method = [.. zip];
        method[directory + 10] = 99;
        Refused(method, "compression method 99");
    }

    private void RefusedPickle(Builder contents, string expected) =>
        Refused(TorchFiles.Zip(new Builder().Raw(0x80, 2).Value(contents).Raw('.').ToArray()), expected);

    private void Refused(byte[] contents, string expected)
    {
        string path = _folder.Write("bad.pth", contents);
        string message = Message(path);
        Assert.StartsWith(path, message);
        Assert.Contains(expected, message);
    }

    private static string Message(string path) =>
        Assert.Throws<BitisException>(() => Checkpoint.Open(path).Dispose()).Message;
}
