namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>A Python dictionary, or an object reduced to its attributes, as plain data in its original order.</summary>
/// <param name="attributesAreItems">
/// Whether the object's state is data (<c>argparse.Namespace</c>), or internal to its class (<c>OrderedDict</c>,
/// <c>CfgNode</c>).
/// </param>
internal class PickleDictionary(bool attributesAreItems = false)
{
    private static readonly List<KeyValuePair<object?, object?>> NoItems = [];

    // Created with the first item, since an empty dictionary is one byte of a pickle and must take little memory.
    private Dictionary<string, int>? _positions;
    private List<KeyValuePair<object?, object?>>? _items;

    /// <summary>Keys and values, in the order of their first appearance.</summary>
    public IReadOnlyList<KeyValuePair<object?, object?>> Items => _items ?? NoItems;

    /// <summary>Whether attributes count as items.</summary>
    public bool AttributesAreItems { get; } = attributesAreItems;

    /// <summary>The value of a text key; null if there is none.</summary>
    public object? this[string key] =>
        _positions is not null && _positions.TryGetValue(key, out int position) ? _items![position].Value : null;

    /// <summary>The items with text keys.</summary>
    public IEnumerable<KeyValuePair<string, object?>> NamedItems =>
        from item in Items where item.Key is string select KeyValuePair.Create((string)item.Key!, item.Value);

    /// <summary>The number of tensors among the values with text keys.</summary>
    public int TensorCount { get; private set; }

    /// <summary>Whether a value with a text key is a tensor.</summary>
    public bool HoldsTensors => TensorCount > 0;

    /// <summary>Whether a value with a text key is an array, or an unsupported kind of tensor.</summary>
    public bool HoldsArrays { get; private set; }

    /// <summary>Sets an item. Only text keys replace an existing item, since other keys are not looked up.</summary>
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
