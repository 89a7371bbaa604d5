using Bitis.Checkpoints.Torch.Pickle;

namespace Bitis.Checkpoints.Torch;

/// <summary>The state of a module that was saved as a whole: what its <c>state_dict()</c> gives.</summary>
/// <remarks>
/// It is read from the attributes that every <c>torch.nn.Module</c> has. Modules may be shared and contain themselves,
/// so size and depth are limited.
/// </remarks>
internal sealed class ModuleState
{
    private const int MaxParts = 1 << 16, MaxCharacters = 1 << 22, MaxDepth = 64;

    private readonly List<KeyValuePair<string, object?>> _values = [];
    private int _parts;
    private long _characters;

    private ModuleState()
    {
    }

    /// <summary>Whether an object of a pickle is a module.</summary>
    public static bool IsModule(PickleObject value) =>
        value.Attributes is { } attributes && Dictionary(attributes, "_parameters") is not null
        && Dictionary(attributes, "_modules") is not null;

    /// <summary>Parameters and buffers by name, without non-persistent buffers.</summary>
    /// <exception cref="BitisException">The module has too many parts, or is nested too deep.</exception>
    public static IReadOnlyList<KeyValuePair<string, object?>> Of(PickleObject module)
    {
        var state = new ModuleState();
        state.Add(module, "", 0);
        return state._values;
    }

    private void Add(PickleObject module, string prefix, int depth)
    {
        if (depth > MaxDepth)
            throw TooLarge($"more than {MaxDepth} modules in each other");
        PickleDictionary attributes = module.Attributes!;
        var hiddenNames = attributes["_non_persistent_buffers_set"] as List<object?>;
        HashSet<string> hidden = [.. hiddenNames?.OfType<string>() ?? []];
        foreach ((string name, object? value) in Items(attributes, "_parameters"))
            AddValue(prefix, name, value);
        foreach ((string name, object? value) in Items(attributes, "_buffers"))
            AddValue(prefix, name, hidden.Contains(name) ? null : value);
        foreach ((string name, object? value) in Items(attributes, "_modules"))
        {
            Count(prefix, name);
            if (value is PickleObject inner && IsModule(inner))
                Add(inner, $"{prefix}{name}.", depth + 1);
        }
    }

    private void AddValue(string prefix, string name, object? value)
    {
        Count(prefix, name);
        if (value is not null)
            _values.Add(new(prefix + name, value));
    }

    private void Count(string prefix, string name)
    {
        _characters += prefix.Length + name.Length + 1;
        if (++_parts > MaxParts || _characters > MaxCharacters)
            throw TooLarge($"more than {MaxParts} parts, or names of {MaxCharacters} characters");
    }

    private static IEnumerable<KeyValuePair<string, object?>> Items(PickleDictionary attributes, string name) =>
        Dictionary(attributes, name)?.NamedItems ?? [];

    private static PickleDictionary? Dictionary(PickleDictionary attributes, string name) =>
        attributes[name] as PickleDictionary;

    private static BitisException TooLarge(string problem) =>
        new($"the module in the file has {problem}; save its weights alone: torch.save(model.state_dict(), ...).");
}
