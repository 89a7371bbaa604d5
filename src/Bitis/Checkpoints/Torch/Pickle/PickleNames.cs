using System.Collections.Frozen;

namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>The meanings of Python names in a pickle.</summary>
/// <remarks>
/// There is no reflection, and nothing outside of this table is looked up. So names in the table become plain data, and
/// all others inert objects.
/// </remarks>
internal static class PickleNames
{
    /// <summary>The longest name; it limits what a few bytes that refer to earlier texts can create.</summary>
    private const int MaxLength = 200;

    private static readonly FrozenDictionary<string, object> Known = Build().ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The meaning of a name: a class, known or not, a storage type or an element type.</summary>
    /// <exception cref="BitisException">The name is harmful or too long.</exception>
    public static object Find(string module, string name)
    {
        string full = Join(module, name);
        return Known.TryGetValue(full, out object? found) ? found : Unknown(full);
    }

    /// <summary>
    /// Resolves <c>getattr</c> of a class and a name, with which mmengine writes functions, to a name.
    /// </summary>
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
