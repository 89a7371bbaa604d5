using System.Globalization;
using Bitis.Checkpoints.Torch.Pickle;

namespace Bitis.Checkpoints.Torch;

/// <summary>Turns what lies beside the weights into texts: <c>epoch</c> = 299, <c>args.model</c> = vim_tiny.</summary>
/// <remarks>
/// The limits keep a hostile file, whose dictionaries may contain themselves or each other many times, from growing in
/// memory.
/// </remarks>
internal static class MetadataFlattener
{
    private const int MaxEntries = 500;
    private const int MaxVisits = 20_000;
    private const int MaxDepth = 4;
    private const int MaxListLength = 16;
    private const int MaxTextLength = 500;

    /// <summary>Collects texts, numbers, truth values and short lists of them from nested dictionaries.</summary>
    public static SortedDictionary<string, string> Flatten(PickleDictionary top)
    {
        var result = new SortedDictionary<string, string>(StringComparer.Ordinal);
        int visits = 0;
        Collect(top, "", 0, ref visits, result);
        return result;
    }

    private static void Collect(
        PickleDictionary dictionary, string prefix, int depth, ref int visits, SortedDictionary<string, string> result)
    {
        foreach ((object? key, object? value) in dictionary.Items)
        {
            if (++visits > MaxVisits || result.Count >= MaxEntries)
                return;
            if (value is TorchTensor or PickleDictionary { HoldsTensors: true })
                continue;
            if (key is not string text)
                continue;
            string name = prefix + Short(text);
            if (value is PickleObject known && ModuleState.IsModule(known))
                continue;
            PickleDictionary? nested = value is PickleObject other ? other.Contents : value as PickleDictionary;
            if (nested is not null)
            {
                if (depth < MaxDepth)
                    Collect(nested, name + ".", depth + 1, ref visits, result);
            }
            else if (Text(value) is { } valueText)
            {
                result[name] = valueText;
            }
        }
    }

    private static string? Text(object? value) => value switch
    {
        object?[] { Length: <= MaxListLength } tuple => ListText(tuple),
        List<object?> { Count: <= MaxListLength } list => ListText(list),
        _ => ScalarText(value),
    };

    private static string? ListText(IEnumerable<object?> values)
    {
        string?[] texts = [.. values.Select(ScalarText)];
        return texts.Contains(null) ? null : Short($"[{string.Join(", ", texts)}]");
    }

    private static string? ScalarText(object? value) => value switch
    {
        string text => Short(text),
        bool flag => flag ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        _ => null,
    };

    private static string Short(string text) => text.Length <= MaxTextLength ? text : text[..MaxTextLength] + "...";
}
