using System.Text.Json;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;

namespace Bitis.Fuzz;

/// <summary>Checkpoints of a small Vim that say nothing of themselves, as others write them.</summary>
internal static class PlainCheckpoints
{
    private const int Shards = 2;

    /// <summary>Writes a checkpoint whose first matrix is integers with a scale.</summary>
    /// <returns>The path.</returns>
    public static string WriteCoded(string folder)
    {
        const string coded = "layers.0.mixer.in_proj.weight";
        List<SafetensorsTensor> tensors = Tensors(folder);
        int at = tensors.FindIndex(tensor => tensor.Name == coded);
        int rows = tensors[at].Shape[0];
        byte[] codes = new byte[tensors[at].Shape.ElementCount];
        new Random(1).NextBytes(codes);
        tensors[at] = tensors[at] with { DType = DType.Int8, Bytes = codes };
        byte[] scale = [.. Enumerable.Range(1, rows).SelectMany(row => BitConverter.GetBytes(row / 4096f))];
        tensors.Add(new($"{coded}_scale", DType.Float32, [rows, 1], scale));
        string path = Path.Combine(folder, "coded.safetensors");
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["note"] = "{}" });
        return path;
    }

    /// <summary>Writes the files of a checkpoint.</summary>
    /// <returns>The text of their index.</returns>
    public static string WriteShards(string folder)
    {
        List<SafetensorsTensor> tensors = Tensors(folder);
        var map = new Dictionary<string, string>();
        for (int shard = 0; shard < Shards; shard++)
        {
            SafetensorsTensor[] part = [.. tensors.Where((_, i) => i % Shards == shard)];
            SafetensorsWriter.Write(Path.Combine(folder, $"part-{shard}.safetensors"), part);
            foreach (SafetensorsTensor tensor in part)
                map.Add(tensor.Name, $"part-{shard}.safetensors");
        }
        return $$"""{"metadata":{"total_size":1},"weight_map":{{JsonSerializer.Serialize(map)}}}""";
    }

    private static List<SafetensorsTensor> Tensors(string folder)
    {
        string path = Path.Combine(folder, "plain.safetensors");
        MicroModels.Create("vim").Save(path);
        using Checkpoint file = Checkpoint.Open(path);
        return [.. file.Entries.Select(e => new SafetensorsTensor(e.Name, e.DType, e.Shape, file.ReadBytes(e.Name)))];
    }
}
