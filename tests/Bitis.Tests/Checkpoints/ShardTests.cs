using System.Text;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Folders;
using Bitis.Checkpoints.Safetensors;
using Bitis.Tests.Models;
using Builder = Bitis.Tests.Checkpoints.PickleBuilder;

namespace Bitis.Tests.Checkpoints;

/// <summary>Models in several files with their index, and folders as hubs lay them out.</summary>
public sealed class ShardTests : IDisposable
{
    private const string Index = "model.safetensors.index.json";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_in_three_files_opens_by_its_index_and_by_its_folder()
    {
        string index = WriteModel();
        _folder.Write("config.json", "{\"model_type\":\"vim\"}"u8);
        VisionModel expected = VisionModel.Load(ChangedCheckpoint.Original);
        foreach (string path in (string[])[index, _folder.Path])
        {
            VisionModel model = VisionModel.Load(path);
            Assert.Equal(expected.Config, model.Config);
            foreach ((string name, FloatTensor weight) in expected.Weights)
                TensorAssert.Same(weight, model.Weights[name]);
            using Checkpoint checkpoint = Checkpoint.Open(path);
            Assert.Equal(index, checkpoint.Path);
            Assert.Equal(CheckpointFormat.Safetensors, checkpoint.Format);
            Assert.Equal(4, checkpoint.Files.Count);
            Assert.Equal(checkpoint.Files.Sum(file => new FileInfo(file).Length), checkpoint.FileLength);
        }
    }

    [Fact]
    public void A_prefix_is_found_across_files()
    {
        string index = WriteModel("backbone.");
        Assert.Equal(VisionModel.Load(ChangedCheckpoint.Original).Config, VisionModel.Load(index).Config);
    }

    [Fact]
    public void PyTorch_files_with_an_index_open_too()
    {
        string[] names = ["a", "b"];
        foreach (string name in names)
        {
            byte[] pickle = Builder.Of(new Dictionary<string, object?>
            {
                [$"{name}.weight"] = Builder.Tensor("FloatStorage", "0", 2, [2L], [1L]),
            });
            var storage = new Dictionary<string, byte[]> { ["0"] = TorchFiles.Floats(name[0], 2) };
            _folder.Write($"{name}.bin", TorchFiles.Zip(pickle, storage));
        }
        _folder.Write(
            "pytorch_model.bin.index.json",
            "{\"metadata\":{\"total_size\":16},\"weight_map\":{\"a.weight\":\"a.bin\",\"b.weight\":\"b.bin\"}}"u8);
        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);
        Assert.Equal(CheckpointFormat.TorchZip, checkpoint.Format);
        foreach (string name in names)
            Assert.Equal([name[0], 2], checkpoint.Read($"{name}.weight").Span.ToArray());
    }

    [Fact]
    public void One_file_of_several_names_the_index()
    {
        string index = WriteModel(), part = _folder["model-00002-of-00003.safetensors"];
        Assert.Contains(
            $"this is one of 3 files of a model, by its name. Open the index instead, '{index}'",
            Assert.Throws<BitisException>(() => VisionModel.Load(part)).Message);
        File.Delete(index);
        Assert.Contains(
            $"'{Index}', which should lie beside it",
            Assert.Throws<BitisException>(() => VisionModel.Load(part)).Message);
        string whole = _folder["model-00001-of-00001.safetensors"];
        File.Copy(ChangedCheckpoint.Original, whole);
        VisionModel.Load(whole);
    }

    [Theory]
    [InlineData("{\"weight_map\":{\"w\":\"../secret.safetensors\"}}", "names the file '../secret.safetensors'")]
    [InlineData("{\"weight_map\":{\"w\":\"/etc/passwd\"}}", "the index names the file '/etc/passwd'")]
    [InlineData("{\"weight_map\":{\"w\":\"a\\\\b\"}}", "without folders")]
    [InlineData("{\"weight_map\":{\"w\":\"..\"}}", "without folders")]
    [InlineData("{\"weight_map\":{\"w\":\"\"}}", "without folders")]
    [InlineData("{\"weight_map\":{\"w\":\"none.safetensors\"}}", "'none.safetensors' is missing beside the index")]
    [InlineData("{\"weight_map\":{\"w\":\"model.safetensors.index.json\"}}", "is an index as well")]
    [InlineData("{\"weight_map\":{\"w\":1}}", "has no file name for 'w'")]
    [InlineData("{\"weight_map\":[]}", "is no object of names")]
    [InlineData("{\"weight_map\":{\"w\":\"one.safetensors\"},\"weight_map\":{}}", "there are two 'weight_map'")]
    [InlineData("{\"weight_map\":{\"w\":\"one.safetensors\",\"w\":\"one.safetensors\"}}", "names 'w' twice")]
    [InlineData("{\"weight_map\":{\"w\":\"one.safetensors\",\"v\":\"one.safetensors\"}}", "tensor 'v' should be in")]
    [InlineData("{\"weight_map\":{\"v\":\"one.safetensors\"}}", "has a tensor 'w' that the index does not")]
    [InlineData("{\"weight_map\":{}}", "names no file")]
    [InlineData("{\"architectures\":[\"Vim\"]}", "this is JSON without a 'weight_map'")]
    [InlineData("{\"weight_map\":", "is not valid")]
    [InlineData("{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]}", "is not valid")]
    [InlineData("{\"weight_map\":{\"w\":\"one.safetensors\"}} x", "is not valid")]
    public void An_index_that_is_wrong_is_refused(string json, string expected)
    {
        SafetensorsWriter.Write(_folder["one.safetensors"], [new("w", DType.UInt8, [1], new byte[1])]);
        string path = _folder.Write(Index, Encoding.UTF8.GetBytes(json));
        var e = Assert.Throws<BitisException>(() => Checkpoint.Open(path).Dispose());
        Assert.StartsWith(path, e.Message);
        Assert.Contains(expected, e.Message);
    }

    [Fact]
    public void Damage_in_a_file_is_named_with_the_file()
    {
        string index = WriteModel(), part = _folder["model-00002-of-00003.safetensors"];
        File.WriteAllBytes(part, File.ReadAllBytes(part)[..^1]);
        Assert.StartsWith(part, Assert.Throws<BitisException>(() => Checkpoint.Open(index)).Message);
    }

    [Fact]
    public void Many_files_and_long_indexes_are_refused()
    {
        string many = string.Join(',', Enumerable.Range(0, 257).Select(i => $"\"{i}\":\"{i}\""));
        string path = _folder.Write(Index, Encoding.UTF8.GetBytes($"{{\"weight_map\":{{{many}}}}}"));
        Assert.Contains("more than 256 files", Assert.Throws<BitisException>(() => Checkpoint.Open(path)).Message);
        byte[] text = new byte[(16 << 20) + 1];
        text.AsSpan().Fill((byte)' ');
        text[0] = (byte)'{';
        path = _folder.Write(Index, text);
        Assert.Contains("at most 16 MiB", Assert.Throws<BitisException>(() => Checkpoint.Open(path)).Message);
    }

    [Fact]
    public void An_index_takes_memory_in_proportion_to_its_length()
    {
        string names = string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"{i}\":\"none\""));
        string json = $"{{\"weight_map\":{{{names}}}}}";
        string path = _folder.Write(Index, Encoding.UTF8.GetBytes(json));
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<BitisException>(() => Checkpoint.Open(path));
        Assert.Contains("is missing beside the index", e.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 32L * json.Length);
    }

    [Fact]
    public void A_folder_opens_its_usual_or_only_file()
    {
        string only = Path.Combine(_folder.Path, "vim.safetensors");
        File.Copy(ChangedCheckpoint.Original, only);
        Assert.Equal(only, ModelFolder.Resolve(_folder.Path));
        File.Copy(ChangedCheckpoint.Original, _folder["other.pth"]);
        string message = Assert.Throws<BitisException>(() => Checkpoint.Open(_folder.Path)).Message;
        Assert.Contains("several files of models (other.pth, vim.safetensors)", message);
        File.Copy(ChangedCheckpoint.Original, _folder["model.safetensors"]);
        Assert.Equal(_folder["model.safetensors"], ModelFolder.Resolve(_folder.Path));
        Directory.CreateDirectory(_folder["empty"]);
        Assert.Contains(
            "a folder without a file of a model",
            Assert.Throws<BitisException>(() => Checkpoint.Open(_folder["empty"])).Message);
    }

    /// <summary>Writes the golden model in three files, and their index.</summary>
    private string WriteModel(string prefix = "")
    {
        List<SafetensorsTensor> tensors = new ChangedCheckpoint().WithPrefix(prefix).Tensors;
        var map = new List<string>();
        for (int shard = 0; shard < 3; shard++)
        {
            string name = $"model-{shard + 1:00000}-of-00003.safetensors";
            SafetensorsTensor[] part = [.. tensors.Where((_, i) => i % 3 == shard)];
            SafetensorsWriter.Write(_folder[name], part, new Dictionary<string, string> { ["format"] = "pt" });
            map.AddRange(part.Select(tensor => $"\"{tensor.Name}\":\"{name}\""));
        }
        string json = $"{{\"metadata\":{{\"total_size\":1}},\"weight_map\":{{{string.Join(',', map)}}}}}";
        return _folder.Write(Index, Encoding.UTF8.GetBytes(json));
    }
}
