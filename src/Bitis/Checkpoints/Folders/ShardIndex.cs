using System.Text.Json;
using Bitis.Checkpoints.Weights;

namespace Bitis.Checkpoints.Folders;

/// <summary>Reads the index of a checkpoint in several files (<c>model.safetensors.index.json</c>).</summary>
/// <remarks>
/// It is a JSON object. Its <c>weight_map</c> says which file beside it has a tensor. Work: the index and the shards'
/// headers once. Memory: 32 bytes for each byte of the index.
/// </remarks>
internal static class ShardIndex
{
    private const string MapName = "weight_map";

    /// <summary>The most bytes of an index; that of a vision model has about 100 bytes for each tensor.</summary>
    private const int MaxLength = 16 << 20;

    private const int MaxShards = 256, MaxDepth = 8;

    /// <summary>Whether a file is JSON, like an index.</summary>
    public static bool IsIndex(CheckpointFile file)
    {
        ReadOnlySpan<byte> head = file.Read(0, (int)Math.Min(file.Length, 1024));
        return head.TrimStart(" \t\r\n"u8) is [(byte)'{', ..]
            && !FormatDetector.LooksLikeSafetensors(file.Length, head);
    }

    /// <summary>The names of the files that an index names, in the order of their first tensors.</summary>
    /// <exception cref="BitisException">The file is not an index, or names files in other folders.</exception>
    public static IReadOnlyList<string> ShardsOf(CheckpointFile index) => [.. ReadMap(index).Values.Distinct()];

    /// <summary>Opens the files of an index and collects their tensors.</summary>
    /// <param name="index">The index.</param>
    /// <param name="files">Receives the files, which must stay open while tensors are read.</param>
    /// <param name="read">Reads the contents of a file.</param>
    /// <exception cref="BitisException">
    /// A file is missing, is damaged, or has other tensors than the index says.
    /// </exception>
    public static CheckpointContents Read(
        CheckpointFile index, List<CheckpointFile> files, Func<CheckpointFile, CheckpointContents> read)
    {
        Dictionary<string, string> map = ReadMap(index);
        List<KeyValuePair<string, object?>> values = [];
        CheckpointFormat format = CheckpointFormat.Safetensors;
        foreach (string shard in map.Values.Distinct())
        {
            CheckpointFile file = OpenShard(index, shard);
            files.Add(file);
            CheckpointContents contents = read(file);
            format = contents.Format;
            WeightsPlace place = contents.Places.FirstOrDefault(place => place.Key.Length == 0)
                ?? throw index.Error(
                    $"the file '{shard}' has no tensors at its top level; the index does not belong to it.");
            values.AddRange(Mapped(index, shard, place, map));
        }
        if (values.Count != map.Count)
        {
            HashSet<string> found = [.. values.Select(value => value.Key)];
            string missing = map.Keys.First(name => !found.Contains(name));
            throw index.Error(
                $"tensor '{missing}' should be in '{map[missing]}', but is not; download all files again.");
        }
        return new CheckpointContents(
            format,
            [new WeightsPlace("", values)],
            [.. map.Keys.Take(8)],
            new SortedDictionary<string, string>(StringComparer.Ordinal));
    }

    private static IEnumerable<KeyValuePair<string, object?>> Mapped(
        CheckpointFile index, string shard, WeightsPlace place, Dictionary<string, string> map)
    {
        foreach (KeyValuePair<string, object?> value in place.Values)
        {
            if (map.GetValueOrDefault(value.Key) == shard)
            {
                yield return value;
            }
            else if (StoredValue.IsTensor(value.Value))
            {
                throw index.Error(
                    $"'{shard}' has a tensor '{value.Key}' that the index does not place there; "
                    + "download all files again.");
            }
        }
    }

    private static CheckpointFile OpenShard(CheckpointFile index, string shard)
    {
        string path = Path.Combine(Path.GetDirectoryName(index.Path) ?? "", shard);
        if (!File.Exists(path))
            throw index.Error($"the file '{shard}' is missing beside the index; download all files of the model.");
        CheckpointFile file = CheckpointFile.Open(path);
        if (!IsIndex(file))
            return file;
        file.Dispose();
        throw index.Error($"'{shard}' is an index as well, not a file of tensors.");
    }

    private static Dictionary<string, string> ReadMap(CheckpointFile file)
    {
        if (file.Length > MaxLength)
            throw file.Error($"this is JSON of {file.Length} bytes; an index has at most {MaxLength >> 20} MiB.");
        try
        {
            Dictionary<string, string> map = ParseMap(file, file.Read(0, (int)file.Length)) ?? throw file.Error(
                $"this is JSON without a '{MapName}', so not the index of a checkpoint; "
                + "expected a safetensors file, a PyTorch checkpoint (.pth, .pt, .bin), or an index (.index.json).");
            return map.Count > 0 ? map : throw file.Error($"the '{MapName}' of the index names no file.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string in the JSON is not valid UTF-8.
            throw new BitisException(
                $"{file.Path}: this looks like JSON, as an index of a checkpoint is, but is not valid: {e.Message}", e);
        }
    }

    private static Dictionary<string, string>? ParseMap(CheckpointFile file, ReadOnlySpan<byte> json)
    {
        Dictionary<string, string>? map = null;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!reader.ValueTextEquals(MapName))
                reader.Skip();
            else if (map is not null)
                throw new JsonException($"there are two '{MapName}'");
            else
                map = ParseNames(file, ref reader);
        }
        // Reading past the object makes the reader throw for anything except trailing blanks.
        while (reader.Read())
        {
        }
        return map;
    }

    private static Dictionary<string, string> ParseNames(CheckpointFile file, ref Utf8JsonReader reader)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        var shards = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException($"'{MapName}' is no object of names");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            if (!reader.Read() || reader.TokenType != JsonTokenType.String)
                throw new JsonException($"'{MapName}' has no file name for '{name}'");
            string shard = reader.GetString()!;
            if (!shards.TryGetValue(shard, out string? known))
                shards.Add(known = shard, CheckedName(file, shard));
            if (shards.Count > MaxShards)
                throw file.Error($"the index names more than {MaxShards} files.");
            if (!map.TryAdd(name, known))
                throw new JsonException($"'{MapName}' names '{name}' twice");
        }
        return map;
    }

    /// <summary>The name of a file in the index's folder; paths to other folders are refused.</summary>
    private static string CheckedName(CheckpointFile file, string shard) =>
        shard.Length is > 0 and <= 255 && shard is not ("." or "..")
        && !shard.Any(c => c is '/' or '\\' or ':' || char.IsControl(c))
            ? shard
            : throw file.Error(
                $"the index names the file '{DisplayText.Of(shard)}'; "
                + "expected names of files beside it, without folders.");
}
