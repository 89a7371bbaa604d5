using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Torch.Pickle;
using Builder = Bitis.Tests.Checkpoints.PickleBuilder;

namespace Bitis.Tests.Checkpoints;

/// <summary>
/// Small checkpoints that ask for endless work or memory: what is read and inflated is counted, and what is allocated.
/// The bounds are those of docs/limits.md.
/// </summary>
public sealed class CheckpointBombTests : IDisposable
{
    private const int Sharing = 64;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Many_tensors_of_one_storage_are_refused(bool legacy)
    {
        const int floats = 1 << 18, references = 19_000;
        byte[] pickle = References(
            references, i => Builder.Tensor("FloatStorage", "0", floats, [(long)floats], [1L], legacy: legacy));
        byte[] file = legacy
            ? TorchFiles.Legacy(pickle, ("0", floats, new byte[4 * floats]))
            : TorchFiles.Zip(pickle, new Dictionary<string, byte[]> { ["0"] = new byte[4 * floats] });
        Refused(
            file,
            $"its {references} tensors claim {4L * floats * references} bytes, more than {Sharing} times the file's "
            + $"{file.Length}");
    }

    [Fact]
    public void Thin_views_of_a_large_storage_count_with_what_they_span()
    {
        const int floats = 1 << 18, references = 19_000;
        byte[] pickle = References(references, i => Builder.Tensor("FloatStorage", "0", floats, [2L], [floats - 1L]));
        Refused(
            TorchFiles.Zip(pickle, new Dictionary<string, byte[]> { ["0"] = new byte[4 * floats] }),
            $"more than {Sharing} times the file's");
    }

    [Fact]
    public void Tied_weights_may_share_a_storage()
    {
        const int floats = 1 << 18, references = Sharing - 1;
        byte[] pickle = References(references, i => Builder.Tensor("FloatStorage", "0", floats, [(long)floats], [1L]));
        string path = _folder.Write(
            "tied", TorchFiles.Zip(pickle, new Dictionary<string, byte[]> { ["0"] = new byte[4 * floats] }));
        Assert.InRange(ReadAll(path), 0, (Sharing + 1) * new FileInfo(path).Length);
    }

    [Fact]
    public void A_compressed_storage_is_inflated_once_however_many_tensors_lie_in_it()
    {
        const int tensors = 109, floats = 4096;
        byte[] first = new byte[4 * floats * tensors], second = new byte[4 * floats * tensors];
        new Random(1).NextBytes(first);
        new Random(2).NextBytes(second);
        byte[] pickle = References(2 * tensors, i => Builder.Tensor(
            "FloatStorage", $"{i % 2}", floats * tensors, [(long)floats], [1L], offset: i / 2 * floats));
        string path = _folder.Write(
            "deflated",
            TorchFiles.Zip(
                pickle, new Dictionary<string, byte[]> { ["0"] = first, ["1"] = second }, CompressionLevel.Fastest));
        // The file itself is read once, and once more as what it inflates to.
        Assert.InRange(ReadAll(path), first.Length + second.Length, 2.2 * new FileInfo(path).Length);
    }

    [Fact]
    public void Entries_that_are_small_each_and_a_bomb_together_are_refused()
    {
        Dictionary<string, byte[]> storages = Enumerable.Range(0, 100)
            .ToDictionary(i => $"{i}", _ => new byte[1 << 20]);
        byte[] file = TorchFiles.Zip(Builder.Of(null), storages, CompressionLevel.SmallestSize);
        Assert.InRange(file.Length, 0, 200_000);
        Refused(file, "the archive's 102 entries claim");
        Refused(file, "this is a zip bomb");
    }

    [Fact]
    public void A_size_that_the_compressed_bytes_cannot_have_is_refused_before_memory_is_taken()
    {
        byte[] file = TorchFiles.Zip(
            Builder.Of(new Dictionary<string, object?> { ["a"] = Builder.Tensor("FloatStorage", "0", 4, [4L], [1L]) }),
            new Dictionary<string, byte[]> { ["0"] = new byte[16] },
            CompressionLevel.Optimal);
        int header = Places(file, "PK\x01\x02"u8).First(); // that of the pickle
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(header + 24), 1 << 20);
        string path = _folder.Write("claim", file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<BitisException>(() => Checkpoint.Open(path).Dispose());
        Assert.Contains("'archive/data.pkl' claims 1048576 bytes, which", e.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 << 10);
    }

    [Fact]
    public void Entries_that_share_their_bytes_are_refused()
    {
        byte[] file = TorchFiles.Zip(
            Builder.Of(null), new Dictionary<string, byte[]> { ["0"] = new byte[1000], ["1"] = new byte[1000] });
        int[] headers = [.. Places(file, "PK\x01\x02"u8)];
        // The last entry's header is made that of the one before.
        file.AsSpan(headers[^2] + 42, 4).CopyTo(file.AsSpan(headers[^1] + 42));
        Refused(file, "'archive/data/1' overlaps the entry before it");
    }

    [Fact]
    public void A_pickle_cannot_choose_the_places_of_its_memory()
    {
        // A table of hashes would put all of these into one bucket.
        var colliding = new Builder().Raw('N');
        for (long i = 1; i <= 1000; i++)
            colliding.Text($"p{i << 32 | i}\n");
        RefusedPickle(colliding, "a value is stored under the number 4294967297, which no pickler does");
        RefusedPickle(new Builder().Raw('N', 'r', 255, 255, 255, 255), "a value is stored under the number 4294967295");
        RefusedPickle(new Builder().Raw('N', 'q', 5, '0', 'h', 4), "value 4 is recalled but was never stored");
    }

    [Theory]
    [InlineData("}")]
    [InlineData("]")]
    [InlineData("]\u0094")]
    [InlineData("(")]
    [InlineData("(t")]
    [InlineData(")\u0085")]
    [InlineData("}\u0085")]
    [InlineData("K\u0001")]
    [InlineData("C\0")]
    [InlineData("U\u0001x")]
    [InlineData("ccollections\nOrderedDict\n)R")]
    [InlineData("N2")]
    [InlineData("cx\nY\n")]
    [InlineData("cx\nY\n)R")]
    [InlineData("cx\nY\n)\u0081}b")]
    [InlineData("cx\nY\n)\u0081Na")]
    [InlineData("cx\nY\n)\u0081U\0Ns")]
    [InlineData("cx\nY\n)\u0081)R")]
    [InlineData("cx\nY\n)}\u0092")]
    [InlineData("cbuiltins\ngetattr\ncx\nY\nU\u0001z\u0086R")]
    [InlineData("cnumpy\ndtype\nU\u0002f8\u0085R")]
    [InlineData("ccopyreg\n_reconstructor\ncx\nY\nN}\u0087R")]
    public void A_pickle_takes_memory_in_proportion_to_its_length(string instructions)
    {
        byte[] pickle = new Builder().Raw(0x80, 2).Text(
            string.Concat(Enumerable.Repeat(instructions, (1 << 18) / instructions.Length))).Raw('.').ToArray();
        string path = _folder.Write("long", TorchFiles.Legacy(pickle));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<BitisException>(() => Checkpoint.Open(path).Dispose());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 128L * pickle.Length);
    }

    [Fact]
    public void Names_made_of_old_texts_take_memory_in_proportion()
    {
        Builder pickle = new Builder().Raw(0x80, 4)
            .Value(new string('m', 150)).Raw(0x94, '0').Value(new string('n', 40)).Raw(0x94, '0');
        for (int i = 0; i < 50_000; i++)
            pickle.Raw('h', 0, 'h', 1, 0x93);
        byte[] bytes = pickle.Raw('.').ToArray();
        string path = _folder.Write("names", TorchFiles.Legacy(bytes));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<BitisException>(() => Checkpoint.Open(path).Dispose());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 128L * bytes.Length);
    }

    [Fact]
    public void Containers_that_hold_each_other_many_times_are_looked_at_a_bounded_number_of_times()
    {
        // Three levels of lists with 2,000 references each: 8 billion values.
        var pickle = new Builder().Raw(0x80, 2).Value(new Dictionary<string, object?>()).Raw('q', 0, '0');
        for (int level = 1; level <= 3; level++)
        {
            pickle.Raw(']', 'q', level, '(');
            for (int i = 0; i < 2000; i++)
                pickle.Raw('h', level - 1);
            pickle.Raw('e', '0');
        }
        byte[] file = TorchFiles.Zip(
            pickle.Raw('}', '(').Value("w").Value(Builder.Tensor("FloatStorage", "0", 1, [1L], [1L]))
                .Value("lists").Raw('h', 3, 'u', '.').ToArray(),
            new Dictionary<string, byte[]> { ["0"] = TorchFiles.Floats(7) });
        string path = _folder.Write("lists", file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using (Checkpoint checkpoint = Checkpoint.Open(path))
            Assert.Equal([7f], checkpoint.Read("w").Span.ToArray());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (8 << 20) + (128L * file.Length));
    }

    [Fact]
    public void One_dictionary_in_many_places_is_searched_a_bounded_number_of_times()
    {
        var tensors = new Builder().Raw('}', 'q', 0, '(').Value("t")
            .Value(Builder.Tensor("FloatStorage", "0", 1, [1L], [1L])).Raw('q', 1);
        for (int i = 1; i < 30_000; i++)
            tensors.Value($"{i}").Raw('h', 1);
        Builder top = new Builder().Raw(0x80, 2, '}', '(').Value("model").Value(tensors.Raw('u'));
        for (int i = 0; i < 200; i++)
            top.Value($"k{i}").Raw('h', 0);
        byte[] file = TorchFiles.Zip(
            top.Text("u.").ToArray(), new Dictionary<string, byte[]> { ["0"] = TorchFiles.Floats(7) });
        using Checkpoint checkpoint = Checkpoint.Open(_folder.Write("places", file));
        Assert.Equal(30_000, checkpoint.Entries.Count);
        Assert.InRange(checkpoint.WeightsKeys.Count, 2, 20);
    }

    [Fact]
    public void Expanded_tensors_count_with_what_they_become()
    {
        byte[] pickle = References(2, i => Builder.Tensor("ByteStorage", "0", 4, [20_000L], [0L]));
        byte[] file = TorchFiles.Zip(pickle, new Dictionary<string, byte[]> { ["0"] = new byte[4] });
        Refused(file, "its 2 tensors claim 160000 bytes");
    }

    [Fact]
    public void A_pickle_has_at_most_32_mebibytes()
    {
        byte[] pickle = new byte[PickleReader.MaxLength + 5];
        pickle[0] = (byte)'B'; // one block of bytes
        BinaryPrimitives.WriteInt32LittleEndian(pickle.AsSpan(1), PickleReader.MaxLength);
        Refused(TorchFiles.Legacy(pickle), "the pickle goes on after 32 MiB, which no weights need");
        Refused(TorchFiles.Zip(pickle), "more than the 32 MiB that are read");
    }

    [Fact]
    public void Values_nested_a_million_deep_are_read()
    {
        const int depth = 1_000_000;
        byte[] pickle = new Builder().Raw(0x80, 2).Text("}(X\x01\0\0\0x").Text(new string(']', depth))
            .Text(new string('a', depth - 1))
            .Value("w").Value(Builder.Tensor("FloatStorage", "0", 1, [1L], [1L])).Text("u.").ToArray();
        using Checkpoint checkpoint = Checkpoint.Open(
            _folder.Write(
                "deep", TorchFiles.Zip(pickle, new Dictionary<string, byte[]> { ["0"] = TorchFiles.Floats(7) })));
        Assert.Equal([7f], checkpoint.Read("w").Span.ToArray());
    }

    [Fact]
    public void What_lies_beside_the_weights_is_looked_at_a_bounded_number_of_times()
    {
        // A dictionary of 30,000 tensors under numbers, referenced 30,000 times.
        var tensors = new Builder().Raw('}', 'q', 0, '(').Value(0).Value(
            Builder.Tensor("FloatStorage", "0", 1, [1L], [1L])).Raw('q', 1);
        for (int i = 1; i < 30_000; i++)
            tensors.Value(i).Raw('h', 1);
        var top = new Builder().Raw(0x80, 2, '}', '(').Value("w").Value(
            Builder.Tensor("FloatStorage", "0", 1, [1L], [1L])).Value("n").Value(tensors.Raw('u'));
        for (int i = 0; i < 30_000; i++)
            top.Value($"k{i}").Raw('h', 0);
        byte[] file = TorchFiles.Zip(
            top.Value("epoch").Value(3).Text("u.")
                .ToArray(), new Dictionary<string, byte[]> { ["0"] = TorchFiles.Floats(7) });
        using Checkpoint checkpoint = Checkpoint.Open(_folder.Write("wide", file));
        Assert.Single(checkpoint.Entries);
        Assert.Empty(checkpoint.Metadata); // 'epoch' comes after more values than are looked at
    }

    [Theory]
    [InlineData(20_000, 1)]
    [InlineData(10, 100_000)]
    public void A_safetensors_header_takes_memory_in_proportion_to_its_length(int tensors, int rank)
    {
        var header = new StringBuilder("{");
        for (int i = 0; i < tensors; i++)
        {
            string shape = string.Join(',', Enumerable.Repeat('0', rank));
            header.Append(
                $"{(i > 0 ? "," : "")}\"{i}\":{{\"dtype\":\"F32\",\"shape\":[{shape}],\"data_offsets\":[0,0]}}");
        }
        string path = _folder.Write("many", Safetensors(header.Append('}').ToString()));
        long before = GC.GetAllocatedBytesForCurrentThread();
        using (Checkpoint checkpoint = Checkpoint.Open(path))
            Assert.Equal(tensors, checkpoint.Entries.Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 32L * header.Length);
    }

    [Fact]
    public void A_safetensors_header_is_refused_for_its_depth_and_its_length()
    {
        Refused(Safetensors("{\"a\":" + new string('[', 100_000)), "is not valid JSON");
        byte[] endless = new byte[100];
        BinaryPrimitives.WriteInt64LittleEndian(endless, 200_000_000);
        endless[8] = (byte)'{';
        Refused(endless, "the safetensors header claims 200000000 bytes, but only 92 follow");
    }

    private static byte[] Safetensors(string header)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[8 + text.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, text.Length);
        text.CopyTo(file, 8);
        return file;
    }

    private static byte[] References(int count, Func<int, Builder> tensor)
    {
        var weights = new Dictionary<string, object?>();
        for (int i = 0; i < count; i++)
            weights[$"t{i}"] = tensor(i);
        return Builder.Of(weights);
    }

    private static List<int> Places(byte[] file, ReadOnlySpan<byte> signature)
    {
        List<int> places = [];
        for (int i = 0; i + signature.Length <= file.Length; i++)
        {
            if (file.AsSpan(i).StartsWith(signature))
                places.Add(i);
        }
        return places;
    }

    /// <summary>Reads every tensor once.</summary>
    /// <returns>How many bytes were read and inflated.</returns>
    private static long ReadAll(string path)
    {
        using Checkpoint checkpoint = Checkpoint.Open(path);
        foreach (CheckpointEntry entry in checkpoint.Entries)
            checkpoint.Read(entry.Name);
        return checkpoint.BytesProcessed;
    }

    private void RefusedPickle(Builder instructions, string expected) =>
        Refused(TorchFiles.Zip(new Builder().Raw(0x80, 2).Value(instructions).Raw('.').ToArray()), expected);

    /// <summary>The file is refused, and no more was allocated for it than the bounds allow.</summary>
    private void Refused(byte[] file, string expected)
    {
        string path = _folder.Write("bomb", file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<BitisException>(() => Checkpoint.Open(path).Dispose());
        Assert.StartsWith(path, e.Message);
        Assert.Contains(expected, e.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (1 << 20) + (128L * file.Length));
    }
}
