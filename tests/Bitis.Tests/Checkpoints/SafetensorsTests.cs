using System.Text;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Files;

namespace Bitis.Tests.Checkpoints;

/// <summary>Safetensors: what is written comes back, and files replace each other whole or not at all.</summary>
public sealed class SafetensorsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_element_type_survives_a_round_trip()
    {
        SafetensorsTensor[] tensors =
        [
            .. Enum.GetValues<DType>().Select(type =>
                new SafetensorsTensor(
                    $"t.{type}", type, [2, 4], Enumerable.Range(1, type.BitSize()).Select(i => (byte)i).ToArray())),
        ];
        string path = _folder["all.safetensors"];
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["b"] = "ü", ["a"] = "1" });
        using var checkpoint = Checkpoint.Open(path);
        Assert.Equal(tensors.Select(t => (t.Name, t.DType)), checkpoint.Entries.Select(e => (e.Name, e.DType)));
        Assert.All(tensors, t => Assert.Equal(t.Bytes.ToArray(), checkpoint.ReadBytes(t.Name)));
        Assert.Equal("ü", checkpoint.Metadata["b"]);
        Assert.Equal(22, checkpoint.Entries.Count);
    }

    [Theory]
    [InlineData(DType.Float8E5M2, new byte[] { 0x3C, 0xC0, 0x01 }, new[] { 1f, -2f, 1f / 65536 })]
    [InlineData(DType.Float8E4M3, new byte[] { 0x38, 0xC0, 0x01, 0x7E }, new[] { 1f, -2f, 1f / 512, 448f })]
    [InlineData(DType.Float8E4M3Fnuz, new byte[] { 0x40, 0xC8, 0x7F }, new[] { 1f, -2f, 240f })]
    [InlineData(DType.Float8E5M2Fnuz, new byte[] { 0x40, 0xC4, 0x7F }, new[] { 1f, -2f, 57344f })]
    [InlineData(DType.Float8E8M0, new byte[] { 127, 128, 0 }, new[] { 1f, 2f, 5.877472e-39f })]
    [InlineData(DType.UInt32, new byte[] { 0xFF, 0xFF, 0xFF, 0xFF }, new[] { 4294967296f })]
    public void Unusual_types_become_float32(object typeValue, byte[] bytes, float[] expected)
    {
        var type = (DType)typeValue;
        string path = _folder["t.safetensors"];
        SafetensorsWriter.Write(path, [new("t", type, [expected.Length], bytes)]);
        using var checkpoint = Checkpoint.Open(path);
        Assert.Equal(expected, checkpoint.Read("t").Span.ToArray());
    }

    [Fact]
    public void The_float8_not_a_numbers_are_not_numbers()
    {
        (DType Type, byte Code)[] cases =
            [
                (DType.Float8E4M3, 0x7F),
                (DType.Float8E4M3, 0xFF),
                (DType.Float8E4M3Fnuz, 0x80),
                (DType.Float8E5M2Fnuz, 0x80),
                (DType.Float8E8M0, 0xFF),
            ];
        foreach ((DType type, byte code) in cases)
        {
            float[] value = new float[1];
            DTypes.ToFloat(type, [code], value);
            Assert.True(float.IsNaN(value[0]), $"{type} {code:X2}");
        }
    }

    [Fact]
    public void The_same_contents_give_the_same_aligned_bytes()
    {
        SafetensorsTensor[] tensors = [new("x", DType.Float32, [1], new byte[4])];
        SafetensorsWriter.Write(
            _folder["1"], tensors, new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" });
        SafetensorsWriter.Write(
            _folder["2"], tensors, new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" });
        byte[] bytes = File.ReadAllBytes(_folder["1"]);
        Assert.Equal(bytes, File.ReadAllBytes(_folder["2"]));
        Assert.Equal(0, BitConverter.ToInt64(bytes) % 8);
    }

    [Fact]
    public void A_failed_or_cancelled_writing_leaves_the_old_file_and_nothing_else()
    {
        string path = _folder.Write("old.safetensors", [1, 2, 3]);
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(9);
            throw new InvalidOperationException();
        }));
        var disk = Assert.Throws<BitisException>(
            () => AtomicFile.Write(path, _ => throw new IOException("No space left on device")));
        Assert.Contains("cannot be written: No space left on device; nothing was changed", disk.Message);
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => AtomicFile.Write(path, _ => source.Cancel(), source.Token));
        Assert.Throws<OperationCanceledException>(() =>
            SafetensorsWriter.Write(path, [new("x", DType.UInt8, [1], new byte[1])], null, source.Token));
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Single(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_named()
    {
        string missing = Path.Combine(_folder.Path, "no", "x.safetensors");
        Assert.Contains(
            "does not exist; create it first",
            Assert.Throws<BitisException>(() => SafetensorsWriter.Write(missing, [])).Message);
        Assert.Contains(
            "this is a folder", Assert.Throws<BitisException>(() => SafetensorsWriter.Write(_folder.Path, [])).Message);
    }

    [Fact]
    public void A_prefix_can_be_chosen_and_the_parallel_prefix_goes()
    {
        string path = _folder["p"];
        SafetensorsWriter.Write(
            path,
            [new("ema.module.w", DType.UInt8, [1], new byte[] { 5 }), new("w", DType.UInt8, [1], new byte[] { 6 })]);
        using var checkpoint = Checkpoint.Open(path, "ema");
        Assert.Equal([5], checkpoint.Read("w").Span.ToArray());
        Assert.Contains("'no.'", Assert.Throws<BitisException>(() => Checkpoint.Open(path, "no")).Message);
        Assert.Contains("no tensor 'v'", Assert.Throws<BitisException>(() => checkpoint.Read("v")).Message);
    }

    [Theory]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}""",
        3,
        "overlaps 'a'")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}""",
        5,
        "leaves a hole after 'a'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 3, "something appended")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 3, "truncated")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,4]}}""", 4, "'a' has 4 bytes, but [3] of U8 takes 3")]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,4]}}""",
        4,
        "multiply to more than any file can hold")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[1152921504606846976],"data_offsets":[0,4]}}""",
        4,
        "more than any file can hold")]
    [InlineData("""{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}""", 4, "whole numbers from 0")]
    [InlineData("""{"a":{"dtype":"Q3","shape":[4],"data_offsets":[0,4]}}""", 4, "unknown dtype 'Q3'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4]}}""", 4, "two data_offsets")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""",
        4,
        "names 'a' twice")]
    [InlineData("""{"__metadata__":{"x":1}}""", 0, "a text as __metadata__ 'x'")]
    [InlineData("""{"a":""", 0, "not valid JSON")]
    [InlineData("""{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}}""", 1, "takes 0.5")]
    public void Headers_that_break_the_rules_are_refused(string header, int dataLength, string expected)
    {
        byte[] file =
            [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header), .. new byte[dataLength]];
        string path = _folder.Write("bad.safetensors", file);
        var e = Assert.Throws<BitisException>(() => Checkpoint.Open(path));
        Assert.StartsWith(path, e.Message);
        Assert.Contains(expected, e.Message);
    }

    [Fact]
    public void A_header_of_2_to_the_60_bytes_is_refused_without_taking_memory()
    {
        string path = _folder.Write("huge.safetensors", [.. BitConverter.GetBytes(1L << 60), .. "{\"a\":{}}"u8]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<BitisException>(() => Checkpoint.Open(path));
        Assert.Contains("claims 1152921504606846976 bytes, but only 8 follow", e.Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }
}
