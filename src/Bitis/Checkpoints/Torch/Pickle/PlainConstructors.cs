using System.Text;

namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>The constructors of Python's own containers and scalars.</summary>
internal static class PlainConstructors
{
    /// <summary>Adds the constructors to a table of names.</summary>
    public static void AddTo(Dictionary<string, PickleConstructor> table)
    {
        foreach (string builtins in (string[])["builtins", "__builtin__"])
        {
            table[$"{builtins}.dict"] = ToDictionary;
            foreach (string name in (string[])["set", "frozenset", "list", "tuple"])
                table[$"{builtins}.{name}"] = TheSequenceItself;
            foreach (string name in (string[])["int", "float", "bool", "str", "bytearray", "bytes"])
                table[$"{builtins}.{name}"] = TheValueItself;
        }
        foreach (string name in (string[])["collections.OrderedDict", "collections.Counter", "yacs.config.CfgNode"])
            table[name] = ToDictionary;
        table["collections.defaultdict"] = (arguments, budget) =>
            ToDictionary(arguments.Length > 1 ? arguments[1..] : [], budget);
        foreach (string name in (string[])["argparse.Namespace", "types.SimpleNamespace"])
            table[name] = (_, _) => new PickleDictionary(attributesAreItems: true);
        table["_codecs.encode"] = EncodeText;
        table["copyreg._reconstructor"] = Reconstruct;
        table["copy_reg._reconstructor"] = Reconstruct;
        foreach (string module in (string[])["pathlib", "pathlib._local"])
        {
            foreach (string name in (string[])["Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"])
                table[$"{module}.{name}"] = JoinPath;
        }
    }

    /// <summary>Returns the only argument, a sequence, without a copy, since it is not changed.</summary>
    private static object? TheSequenceItself(object?[] arguments, PickleBudget budget) => arguments switch
    {
        [] => new List<object?>(),
        [object?[] or List<object?>] => arguments[0],
        _ => PickleClass.NotPlain,
    };

    private static object? TheValueItself(object?[] arguments, PickleBudget budget) =>
        arguments is [var value, ..] ? value : null;

    private static object ToDictionary(object?[] arguments, PickleBudget budget)
    {
        var result = new PickleDictionary();
        switch (arguments)
        {
            case []:
                return result;
            case [PickleDictionary other, ..]:
                budget.Charge(other.Items.Count);
                foreach ((object? key, object? value) in other.Items)
                    result.Set(key, value);
                return result;
            case [List<object?> pairs, ..]:
                budget.Charge(pairs.Count);
                foreach (object? pair in pairs)
                {
                    if (pair is object?[] and [var key, var value])
                        result.Set(key, value);
                    else if (pair is List<object?> and [var first, var second])
                        result.Set(first, second);
                    else
                        return PickleClass.NotPlain;
                }
                return result;
            default:
                return PickleClass.NotPlain;
        }
    }

    /// <summary>An object in protocols before 2, from (class, base, value of the base).</summary>
    private static object Reconstruct(object?[] arguments, PickleBudget budget)
    {
        if (arguments is not [PickleClass type, _, var content])
            return PickleClass.NotPlain;
        var result = new PickleObject(type, arguments);
        if (content is PickleDictionary items)
        {
            budget.Charge(items.Items.Count);
            foreach ((object? key, object? value) in items.Items)
                result.Set(key, value);
        }
        return result;
    }

    /// <summary>Bytes as Python 3 writes them in protocols before 3: a text of code points below 256.</summary>
    private static object EncodeText(object?[] arguments, PickleBudget budget)
    {
        if (arguments is not [string text, "latin1" or "latin-1", ..])
            return PickleClass.NotPlain;
        budget.Charge(text.Length);
        return Encoding.Latin1.GetBytes(text);
    }

    private static string JoinPath(object?[] arguments, PickleBudget budget)
    {
        string[] parts = [.. arguments.OfType<string>()];
        budget.Charge(parts.Sum(part => (long)part.Length) + arguments.Length);
        return string.Join('/', parts).Replace("//", "/", StringComparison.Ordinal);
    }
}
