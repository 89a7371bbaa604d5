using System.Globalization;
using Bitis.Checkpoints.Torch.Pickle;
using Bitis.Checkpoints.Weights;

namespace Bitis.Checkpoints.Torch;

/// <summary>Finds the places with named tensors in a PyTorch file: nested dictionaries and whole modules.</summary>
/// <remarks>Work: at most 100,000 values, 4 levels deep; places have at most 500,000 names.</remarks>
internal static class TorchPlaces
{
    private const int MaxDepth = 4, MaxValues = 100_000, MaxContainers = 4096, MaxKeyLength = 200;

    /// <summary>Limits, since one dictionary may be in many places, each of which is searched for weights.</summary>
    private const int MaxPlaces = 256, MaxNames = 500_000;

    /// <summary>Finds the places, the less deep ones first.</summary>
    /// <exception cref="BitisException">The file holds neither a dictionary nor a valid module.</exception>
    public static CheckpointContents Find(CheckpointFile file, CheckpointFormat format, object? root)
    {
        if (root is not (PickleDictionary or List<object?> or object?[]))
            throw file.Error("the checkpoint does not hold a dictionary of weights; save model.state_dict().");
        List<WeightsPlace> places;
        try
        {
            places = Search(root);
        }
        catch (BitisException e)
        {
            throw new BitisException($"{file.Path}: {e.Message}", e);
        }
        return new CheckpointContents(
            format,
            places,
            [.. Children(root).Take(8).Select(item => item.Key)],
            DictionaryOf(root) is { } top ? MetadataFlattener.Flatten(top) : new SortedDictionary<string, string>());
    }

    private static List<WeightsPlace> Search(object root)
    {
        var places = new List<WeightsPlace>();
        var nodes = new List<Node> { new(root, "", null) };
        int looked = 0;
        long names = 0;
        for (int i = 0; i < nodes.Count && places.Count < MaxPlaces && names < MaxNames; i++)
        {
            if (nodes[i].Value is PickleObject module && ModuleState.IsModule(module))
            {
                IReadOnlyList<KeyValuePair<string, object?>> state = ModuleState.Of(module);
                places.Add(new WeightsPlace(nodes[i].Key, state));
                names += state.Count;
                continue;
            }
            if (DictionaryOf(nodes[i].Value) is { } weights && (weights.HoldsTensors || weights.HoldsArrays))
            {
                places.Add(new WeightsPlace(nodes[i].Key, weights.NamedItems));
                names += weights.Items.Count;
            }
            if (nodes[i].Depth == MaxDepth || IsOptimizer(nodes[i].Value))
                continue;
            foreach ((string name, object? value) in Children(nodes[i].Value))
            {
                if (++looked > MaxValues || nodes.Count == MaxContainers)
                    break;
                if (name.Length <= MaxKeyLength && !IsOptimizer(name)
                    && value is PickleDictionary or List<object?> or object?[] && !nodes[i].IsWithin(value))
                {
                    nodes.Add(new Node(value, name, nodes[i]));
                }
            }
        }
        return places;
    }

    /// <summary>Whether a key is that of an optimizer, whose state has tensors with the weights' names.</summary>
    private static bool IsOptimizer(string key) =>
        key is "optim" || key.StartsWith("optimizer", StringComparison.Ordinal)
        || key.StartsWith("optim_", StringComparison.Ordinal);

    /// <summary>Whether a dictionary is an optimizer's, by its two keys.</summary>
    private static bool IsOptimizer(object value) =>
        value is PickleDictionary dictionary
        && dictionary["param_groups"] is not null && dictionary["state"] is not null;

    private static PickleDictionary? DictionaryOf(object value) =>
        value is PickleObject other ? other.Contents : value as PickleDictionary;

    private static IEnumerable<KeyValuePair<string, object?>> Children(object value) =>
        value is IReadOnlyList<object?> list
        ? list.Select((item, index) => KeyValuePair.Create(index.ToString(CultureInfo.InvariantCulture), item))
        : from item in DictionaryOf(value)?.Items ?? []
          let name = item.Key as string ?? (item.Key as long?)?.ToString(CultureInfo.InvariantCulture)
          where name is not null
          select KeyValuePair.Create(name, item.Value);

    /// <summary>A container and its path.</summary>
    private sealed record Node(object Value, string Name, Node? Parent)
    {
        public int Depth => Parent is null ? 0 : Parent.Depth + 1;

        /// <summary>
        /// Whether a container is this one or one of its parents, since dictionaries may contain themselves.
        /// </summary>
        public bool IsWithin(object container) =>
            ReferenceEquals(Value, container) || Parent?.IsWithin(container) == true;

        public string Key => Parent is null || Parent.Parent is null ? Name : $"{Parent.Key}.{Name}";
    }
}
