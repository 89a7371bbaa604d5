namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>An object of an unknown class, as inert data.</summary>
/// <remarks>
/// It holds the items, elements, arguments and state that the pickle gives it. It is a dictionary, since subclasses of
/// <c>dict</c> hold weights, too.
/// </remarks>
/// <param name="type">The class.</param>
/// <param name="arguments">The arguments of its constructor.</param>
internal sealed class PickleObject(PickleClass type, object?[] arguments) : PickleDictionary
{
    /// <summary>The class.</summary>
    public PickleClass Type => type;

    /// <summary>The arguments of its constructor.</summary>
    public object?[] Arguments => arguments;

    /// <summary>The state that the pickle gives to the object; null for none.</summary>
    public object? State { get; set; }

    /// <summary>The elements appended to it, as to a list or a set; null for none.</summary>
    public List<object?>? Elements { get; private set; }

    /// <summary>Whether it is an unsupported kind of tensor, or a NumPy array.</summary>
    public bool IsTensor =>
        type.Name.StartsWith("torch.", StringComparison.Ordinal)
        || type.Name is "numpy.core.multiarray._reconstruct" or "numpy._core.multiarray._reconstruct"
            or "numpy.core.numeric._frombuffer" or "numpy._core.numeric._frombuffer";

    /// <summary>Its attributes, if the state has them: a dictionary, or a pair with that of slots.</summary>
    public PickleDictionary? Attributes => State switch
    {
        PickleDictionary attributes => attributes,
        object?[] and [PickleDictionary attributes, ..] => attributes,
        object?[] and [null, PickleDictionary slots] => slots,
        _ => null,
    };

    /// <summary>The values that can be looked up in it: its items, or else its attributes.</summary>
    public PickleDictionary Contents => Items.Count > 0 ? this : Attributes ?? this;

    /// <summary>Appends elements.</summary>
    public void Append(ReadOnlySpan<object?> elements) => (Elements ??= []).AddRange(elements);
}
