using System.Collections.Frozen;

namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>What the Python names of a pickle stand for.</summary>
/// <remarks>
/// There is no reflection and nothing is looked up outside of this table, so a pickle makes plain data of what is here,
/// and inert objects of everything else.
/// </remarks>
internal static class PickleNames
{
    /// <summary>Longer than any class' name; it bounds what a few bytes that name old texts can make.</summary>
    private const int MaxLength = 200;

    private static readonly FrozenDictionary<string, object> Known = Build().ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>What a name stands for: a class, known or not, a storage type or an element type.</summary>
    /// <exception cref="BitisException">The name can do harm, or is too long for one.</exception>
    public static object Find(string module, string name)
    {
        string full = Join(module, name);
        return Known.TryGetValue(full, out object? found) ? found : Unknown(full);
    }

    /// <summary><c>getattr</c> of a class and a name, as mmengine writes functions: another name.</summary>
    private static object? GetAttribute(object?[] arguments, PickleBudget budget) => arguments switch
    {
        [PickleClass owner, string name] => Unknown(Join(owner.Name, name)),
        [PickleObject owner, string name] => Unknown(Join(owner.Type.Name, name)),
        _ => PickleClass.NotPlain,
    };

    private static string Join(string owner, string name) => owner.Length + name.Length < MaxLength
        ? $"{owner}.{name}"
        : throw new BitisException(
            $"a Python name has {owner.Length + name.Length} characters; names have at most {MaxLength}. "
            + "The file is damaged or may be malicious.");

    private static PickleClass Unknown(string name) => !HarmfulNames.Contains(name)
        ? new PickleClass(name)
        : throw new BitisException(
            $"refuses the file for '{name}', which can run commands or reach files where Python loads it. "
            + "Nothing of it was run here. Neither weights nor images need it: the file may be malicious. If you "
            + "trust its source, ask there for plain data: weights as safetensors, images as files.");

    private static Dictionary<string, object> Build()
    {
        var table = new Dictionary<string, object>(StringComparer.Ordinal);
        var constructors = new Dictionary<string, PickleConstructor>(StringComparer.Ordinal)
        {
            ["builtins.getattr"] = GetAttribute,
            ["__builtin__.getattr"] = GetAttribute,
        };
        PlainConstructors.AddTo(constructors);
        NumpyConstructors.AddTo(constructors);
        TorchConstructors.AddTo(constructors);
        foreach ((string name, PickleConstructor constructor) in constructors)
            table.Add(name, new PickleClass(name, constructor));
        TorchTypes.AddTo(table);
        return table;
    }
}
