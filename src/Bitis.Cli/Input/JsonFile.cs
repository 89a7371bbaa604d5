using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bitis.Json;

namespace Bitis.Cli.Input;

/// <summary>Reads a small JSON file that a person wrote into a record.</summary>
/// <remarks>
/// Comments and trailing commas are allowed, unknown fields are not. Errors name the line and the field. At most 1 MiB
/// is read.
/// </remarks>
/// <param name="kind">The kind of file in messages: <c>recipe</c>.</param>
/// <param name="example">Two of its fields as JSON, for the message about another kind of file.</param>
/// <param name="expectedByField">The expected values of fields, by path, if their types do not tell.</param>
internal sealed class JsonFile(string kind, string example, IReadOnlyDictionary<string, string> expectedByField)
{
    /// <summary>The most bytes of a file; a recipe has a few lines.</summary>
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

    /// <summary>Reads a file and checks its values.</summary>
    /// <param name="path">The file.</param>
    /// <param name="validate">Refuses values that the types allow.</param>
    /// <exception cref="BitisException">The file is missing or invalid; the message names the place.</exception>
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

    /// <summary>The place, the problem, and the expected value.</summary>
    private string Explain(StrictJsonException e)
    {
        string place = $"line {e.Line}{(e.Path.Length == 0 ? "" : $", field '{DisplayText.Of(e.Path)}'")}: {e.Problem}";
        string? expected = e.Expected is null ? null : expectedByField.GetValueOrDefault(e.Path, e.Expected);
        string ending = e.Path.Length > 0 ? "" : $" This is not a {kind}: a JSON object with fields such as {example}.";
        return $"{place}{(expected is null ? "" : $"; expected {expected}")}.{ending}";
    }
}
