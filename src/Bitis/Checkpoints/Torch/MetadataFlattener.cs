using System.Globalization;
using System.Text.Json;
using Bitis.Checkpoints.Torch.Pickle;

namespace Bitis.Checkpoints.Torch;

/// <summary>Converts values beside the weights to text: <c>epoch</c> = 299, <c>args.model</c> = vim_tiny.</summary>
/// <remarks>
/// Limits on the result are needed, since dictionaries of a hostile file may contain themselves or each other many
/// times.
/// </remarks>
internal static class MetadataFlattener
{
    private const int MaxEntries = 500;
    private const int MaxVisits = 20_000;
    private const int MaxDepth = 4;
    private const int MaxListLength = 16;
    private const int MaxTextLength = 500;

    /// <summary>Lists with an entry for each class (mmengine); longer ones than this are left out.</summary>
    private const string DatasetClasses = "dataset_meta.classes", DatasetPalette = "dataset_meta.palette";
    private const int MaxClasses = 4096;

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
            else if (name.EndsWith(DatasetClasses, StringComparison.Ordinal)
                || name.EndsWith(DatasetPalette, StringComparison.Ordinal))
            {
                if (LongList(value) is { } list)
                    result[name] = list;
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

    /// <summary>A list of any usual length, as a JSON array of texts; null for other values.</summary>
    private static string? LongList(object? value)
    {
        IReadOnlyList<object?>? values = value as object?[] ?? (IReadOnlyList<object?>?)(value as List<object?>);
        if (values is null || values.Count > MaxClasses)
            return null;
        string?[] texts = [.. values.Select(Text)];
        return texts.Contains(null)
            ? null
            : $"[{string.Join(",", texts.Select(text => $"\"{JsonEncodedText.Encode(WithoutHalves(text!))}\""))}]";
    }

    /// <summary>A text whose lone surrogates, which no encoding can write, are replaced.</summary>
    private static string WithoutHalves(string text) => string.Concat(text.EnumerateRunes());

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
