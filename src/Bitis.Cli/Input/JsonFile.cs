using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bitis.Json;

namespace Bitis.Cli.Input;

/// <summary>
/// Reads a small JSON file that a person wrote into a record: comments and trailing commas are allowed, unknown fields
/// are not, and what is wrong is said with its line and field.
/// </summary>
/// <remarks>At most 1 MiB is read.</remarks>
/// <param name="kind">What the file is called: <c>recipe</c>.</param>
/// <param name="example">Two of its fields as JSON, for the message about a file that is something else.</param>
/// <param name="expectedByField">What a field takes, by its path, where its type does not tell.</param>
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
        Converters = { new CamelCaseEnums() },
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
            T value = StrictJson.Read(text, type, isComplete: false);
            validate(value);
            return value;
        }
        catch (StrictJsonException e)
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

    /// <summary>The place and the problem, with what this kind of file takes there.</summary>
    private string Explain(StrictJsonException e)
    {
        string place = $"line {e.Line}{(e.Path.Length == 0 ? "" : $", field '{DisplayText.Of(e.Path)}'")}: {e.Problem}";
        string? expected = e.Expected is null ? null : expectedByField.GetValueOrDefault(e.Path, e.Expected);
        string ending = e.Path.Length > 0 ? "" : $" This is not a {kind}: a JSON object with fields such as {example}.";
        return $"{place}{(expected is null ? "" : $"; expected {expected}")}.{ending}";
    }
}
