namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>A Python dictionary, or an object reduced to its attributes, as plain data in its original order.</summary>
/// <param name="attributesAreItems">
/// Whether state given to the object belongs to its data (<c>argparse.Namespace</c>) or is bookkeeping of its class
/// (<c>OrderedDict</c>, <c>CfgNode</c>).
/// </param>
internal class PickleDictionary(bool attributesAreItems = false)
{
    private static readonly List<KeyValuePair<object?, object?>> NoItems = [];

    // Made with the first item: an empty dictionary is one byte of a pickle, and should take little memory.
    private Dictionary<string, int>? _positions;
    private List<KeyValuePair<object?, object?>>? _items;

    /// <summary>Keys and values, in the order of their first appearance.</summary>
    public IReadOnlyList<KeyValuePair<object?, object?>> Items => _items ?? NoItems;

    /// <summary>Whether attributes count as items.</summary>
    public bool AttributesAreItems { get; } = attributesAreItems;

    /// <summary>The value of a text key; null when there is none.</summary>
    public object? this[string key] =>
        _positions is not null && _positions.TryGetValue(key, out int position) ? _items![position].Value : null;

    /// <summary>The items whose keys are texts.</summary>
    public IEnumerable<KeyValuePair<string, object?>> NamedItems =>
        from item in Items where item.Key is string select KeyValuePair.Create((string)item.Key!, item.Value);

    /// <summary>How many of the values with text keys are tensors.</summary>
    public int TensorCount { get; private set; }

    /// <summary>Whether a value is a tensor with a name.</summary>
    public bool HoldsTensors => TensorCount > 0;

    /// <summary>Whether a value is an array, or a tensor of a kind that is not read, with a name.</summary>
    public bool HoldsArrays { get; private set; }

    /// <summary>Sets an item. Only text keys replace an older item: others are never looked up.</summary>
    public void Set(object? key, object? value)
    {
        _items ??= [];
        if (key is string name)
        {
            _positions ??= [];
            if (value is TorchTensor)
                TensorCount++;
            HoldsArrays |= value is PickleObject { IsTensor: true };
            if (_positions.TryGetValue(name, out int position))
            {
                if (_items[position].Value is TorchTensor)
                    TensorCount--;
                _items[position] = new(key, value);
                return;
            }
            _positions.Add(name, _items.Count);
        }
        _items.Add(new(key, value));
    }
}
