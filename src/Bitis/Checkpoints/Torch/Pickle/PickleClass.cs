namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>A Python class or function in a pickle: only its name, which is not looked up or run.</summary>
/// <param name="name">Module and name, such as <c>collections.OrderedDict</c>.</param>
/// <param name="constructor">Converts its objects to plain data; null for an unknown class.</param>
internal sealed class PickleClass(string name, PickleConstructor? constructor = null)
{
    /// <summary>The result of a constructor for arguments of another form.</summary>
    public static object NotPlain { get; } = new();

    /// <summary>Module and name.</summary>
    public string Name => name;

    /// <summary>Creates the result of a call: plain data, or an inert object with class and arguments.</summary>
    public object? Construct(object?[] arguments, PickleBudget budget)
    {
        object? value = constructor is null ? NotPlain : constructor(arguments, budget);
        return ReferenceEquals(value, NotPlain) ? new PickleObject(this, arguments) : value;
    }
}
