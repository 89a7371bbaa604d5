namespace Bitis.Checkpoints.Torch;

/// <summary>Finds the weights among what a PyTorch file holds: optimizer, schedule and arguments lie beside
/// them.</summary>
internal static class WeightsFinder
{
    private static readonly string[] UsualKeys = ["model", "state_dict", "model_ema"];

    /// <summary>Finds the weights.</summary>
    /// <param name="file">The file, for messages.</param>
    /// <param name="format">The format of the file.</param>
    /// <param name="root">The object that was saved.</param>
    /// <param name="weightsKey">Where to look; null for the usual places.</param>
    /// <exception cref="BitisException">There are no weights there; the message says where there are some.</exception>
    public static CheckpointContents Find(CheckpointFile file, CheckpointFormat format, object? root, string? weightsKey)
    {
        if (root is not PickleDictionary top)
            throw file.Error("the checkpoint does not hold a dictionary of weights; save model.state_dict().");
        List<string> keys = Candidates(top);
        string chosen = weightsKey ?? keys.Find(key => key.Length == 0 || UsualKeys.Contains(key)) ?? throw file.Error(
            "no weights were found at the top level or under 'model', 'state_dict' or 'model_ema'. "
            + Advice(top, keys));
        if (Walk(top, chosen) is not PickleDictionary { HoldsTensors: true } weights)
            throw file.Error($"there are no weights under the key '{chosen}'. " + Advice(top, keys));
        List<KeyValuePair<string, StoredTensor>> tensors =
        [
            .. from item in weights.NamedItems where item.Value is StoredTensor
               select KeyValuePair.Create(item.Key, (StoredTensor)item.Value!),
        ];
        return new CheckpointContents(format, chosen, keys, tensors, MetadataFlattener.Flatten(top));
    }

    private static List<string> Candidates(PickleDictionary top)
    {
        List<string> keys = [.. UsualKeys.Where(key => top[key] is PickleDictionary { HoldsTensors: true })];
        if (top.HoldsTensors)
            keys.Add("");
        keys.AddRange(
            from item in top.NamedItems
            where item.Value is PickleDictionary { HoldsTensors: true } && !UsualKeys.Contains(item.Key)
            select item.Key);
        return keys;
    }

    private static object? Walk(PickleDictionary top, string key)
    {
        if (key.Length == 0)
            return top;
        object? value = top;
        foreach (string part in key.Split('.'))
            value = (value as PickleDictionary)?[part];
        return value;
    }

    private static string Quote(string key) => key.Length == 0 ? "the top level (an empty key)" : $"'{key}'";

    private static string Advice(PickleDictionary top, List<string> keys) => keys.Count > 0
        ? $"Weights were found under: {string.Join(", ", keys.Take(8).Select(Quote))}; choose with the weights key."
        : $"The file holds: {string.Join(", ", top.NamedItems.Take(8).Select(item => $"'{item.Key}'"))}; "
            + "give the weights key, with dots between nested keys.";
}
