namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>A Python class or function that a pickle names: a name only, nothing is looked up or run.</summary>
/// <param name="name">Module and name, such as <c>collections.OrderedDict</c>.</param>
/// <param name="constructor">What plain data its objects become; null for an unknown class.</param>
internal sealed class PickleClass(string name, PickleConstructor? constructor = null)
{
    /// <summary>What a constructor answers to arguments that it does not know.</summary>
    public static object NotPlain { get; } = new();

    /// <summary>Module and name.</summary>
    public string Name => name;

    /// <summary>What a call stands for: plain data, or an inert object with the class and the arguments.</summary>
    public object? Construct(object?[] arguments, PickleBudget budget)
    {
        object? value = constructor is null ? NotPlain : constructor(arguments, budget);
        return ReferenceEquals(value, NotPlain) ? new PickleObject(this, arguments) : value;
    }
}
