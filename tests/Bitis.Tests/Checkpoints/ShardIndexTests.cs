using Bitis.Checkpoints;
using Bitis.Checkpoints.Folders;

namespace Bitis.Tests.Checkpoints;

/// <summary>The index of a checkpoint in several files, as text.</summary>
public sealed class ShardIndexTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Files_come_in_the_order_of_their_first_tensors()
    {
        const string Index = """{"metadata":{"a":[1,{}]},"weight_map":{"x":"2.bin","y":"1.bin","z":"2.bin"},"more":"""
            + """null}""";
        Assert.Equal(["2.bin", "1.bin"], ShardsOf(Index));
    }

    [Theory]
    [InlineData("""{"a":1}""", "without a 'weight_map'")]
    [InlineData("""{"weight_map":{}}""", "names no file")]
    [InlineData("""{"weight_map":["a"]}""", "'weight_map' is no object")]
    [InlineData("""{"weight_map":{"x":1}}""", "no file name for 'x'")]
    [InlineData("""{"weight_map":{"x":"a","x":"b"}}""", "names 'x' twice")]
    [InlineData("""{"weight_map":{"x":"a"},"weight_map":{"x":"a"}}""", "two 'weight_map'")]
    [InlineData("""{"weight_map":{"x":"a"}} more""", "not valid")]
    [InlineData("""{"weight_map":{"x":"a" """, "not valid")]
    [InlineData("""{"weight_map":{"x":"../a"}}""", "without folders")]
    [InlineData("""{"weight_map":{"x":"C:a"}}""", "without folders")]
    [InlineData("""{"weight_map":{"x":".."}}""", "without folders")]
    [InlineData("""{"weight_map":{"x":""}}""", "without folders")]
    public void What_is_no_index_is_refused(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<BitisException>(() => ShardsOf(json)).Message);

    [Fact]
    public void The_number_of_files_is_bounded()
    {
        Assert.Equal(256, ShardsOf(IndexOf(256)).Count);
        Assert.Contains("more than 256 files", Assert.Throws<BitisException>(() => ShardsOf(IndexOf(257))).Message);

        static string IndexOf(int files)
        {
            IEnumerable<string> entries = Enumerable.Range(0, files).Select(i => $"\"t{i}\":\"{i}.bin\"");
            return "{\"weight_map\":{" + string.Join(',', entries) + "}}";
        }
    }

    private IReadOnlyList<string> ShardsOf(string json)
    {
        using CheckpointFile file = CheckpointFile.Open(_folder.WriteText("model.index.json", json));
        return ShardIndex.ShardsOf(file);
    }
}
