using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Bitis.Cli.Input;

/// <summary>
/// Reads a small JSON file that a person wrote into a record: comments and trailing commas are allowed, unknown fields are
/// not, and what is wrong is said with its line and field.
/// </summary>
/// <remarks>At most 1 MiB is read.</remarks>
/// <param name="kind">What the file is called: <c>recipe</c>.</param>
/// <param name="example">Two of its fields as JSON, for the message about a file that is something else.</param>
/// <param name="expectedByField">What each field takes, by its name; those of a record within the record by their path.</param>
internal sealed class JsonFile(string kind, string example, IReadOnlyDictionary<string, string> expectedByField)
{
    /// <summary>Such a file takes a few lines; a longer one is something else.</summary>
    private const int MaxBytes = 1 << 20;

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Strict)
    {
        MaxDepth = StrictJson.MaxDepth,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        AllowOutOfOrderMetadataProperties = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    /// <summary>Reads a file and checks what it says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="validate">Refuses values that the types allow.</param>
    /// <exception cref="BitisException">The file is missing or something else; the message names the place.</exception>
    public T Load<T>(string path, Action<T> validate)
        where T : class
    {
        string text = ReadText(path);
        try
        {
            var type = (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));
            T value = StrictJson.Read(text, type, isComplete: false) ?? throw new BitisException($"this is 'null', not a {kind}.");
            validate(value);
            return value;
        }
        catch (JsonException e)
        {
            throw new BitisException($"{path}: {Explain(e)}", e);
        }
        catch (BitisException e)
        {
            throw new BitisException($"{path}: {e.Message}", e);
        }
    }

    private string ReadText(string path)
    {
        string? text = BoundedText.Read(path, MaxBytes, $"a {kind} file");
        if (string.IsNullOrEmpty(text))
        {
            string length = text is null ? $"more than {MaxBytes}" : "0";
            throw BitisException.InFile(
                path, $"this is {length} bytes long; a {kind} (JSON) was expected, of at most {MaxBytes}.");
        }
        return text;
    }

    /// <summary>The place and the problem, in the words of the file rather than those of the serializer.</summary>
    private string Explain(JsonException e)
    {
        string line = e.LineNumber is { } number ? $"line {number + 1}" : $"the {kind}";
        // "$.overrides[0].bits" for a value, "$" for the whole; a syntax error may have either.
        string field = e.Path is { Length: > 2 } path ? path[2..] : "";
        if (e.Message.Contains("could not be mapped", StringComparison.Ordinal))
            return $"{line}: there is no field '{field}'; {Siblings(field)}.";
        string known = field.Split('[')[0];
        string? expected = expectedByField.GetValueOrDefault(known) ?? expectedByField.GetValueOrDefault(known.Split('.')[0]);
        return expected is not null
            ? $"{line}, field '{field}': {expected} was expected{(e.LineNumber is null ? $" ({e.Message})" : "")}."
            : $"{line}: this is not a {kind}: a JSON object with fields such as {example} was expected.";
    }

    /// <summary>The fields that there are where a wrong one was found.</summary>
    private string Siblings(string field)
    {
        string parent = field.Contains('.') ? field[..(field.LastIndexOf('.') + 1)] : "";
        string[] names = [.. expectedByField.Keys.Where(name => name.StartsWith(parent, StringComparison.Ordinal) && !name[parent.Length..].Contains('.'))];
        return names.Length == 0
            ? $"'{parent.TrimEnd('.')}' takes {expectedByField.GetValueOrDefault(parent.Split('.', '[')[0], "no such field")}"
            : $"{(parent.Length == 0 ? $"a {kind}" : $"'{parent.TrimEnd('.')}'")} has {string.Join(", ", names.Select(name => name[parent.Length..]))}";
    }
}
