using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Quantization;

namespace Bitis.Cli.Input;

/// <summary>Reads a recipe from a JSON file, whose fields are those of <see cref="Recipe"/> in camel case.</summary>
internal static class RecipeFile
{
    /// <summary>A recipe takes a few lines; a longer file is something else.</summary>
    private const int MaxBytes = 1 << 20;

    private static readonly Dictionary<string, string> ExpectedByField = new()
    {
        ["method"] = "a method's name, such as \"mse\"",
        ["bits"] = "text such as \"w8a8\"",
        ["scope"] = "\"linear\"",
        ["activationGranularity"] = "\"perTensor\" or \"perToken\"",
        ["percentile"] = "a number such as 99.99",
        ["overrides"] = "a list such as [{ \"pattern\": \"*.x_proj*\", \"bits\": \"w8a8\" }]",
    };

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    /// <summary>Reads and checks a recipe.</summary>
    /// <exception cref="BitisException">The file is missing, or is not a recipe; the message names the place.</exception>
    public static Recipe Load(string path)
    {
        string text = ReadText(path);
        try
        {
            Recipe recipe = JsonSerializer.Deserialize<Recipe>(text, Options) ?? throw new BitisException("this is 'null', not a recipe.");
            if (recipe.Overrides.Any(entry => entry is null))
                throw new BitisException($"field 'overrides': {ExpectedByField["overrides"]} was expected, found null in it.");
            recipe.Validate();
            return recipe;
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

    private static string ReadText(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.Length is 0 or > MaxBytes)
                throw BitisException.InFile(path, $"this is {file.Length} bytes long; a recipe (JSON) was expected, of at most {MaxBytes}.");
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException($"{path}: the recipe cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The place and the problem, in the words of a recipe rather than those of the serializer.</summary>
    private static string Explain(JsonException e)
    {
        string line = e.LineNumber is { } number ? $"line {number + 1}" : "the recipe";
        // "$.overrides[0].bits" for a value, "$" for the whole; a syntax error may have either.
        string field = e.Path is { Length: > 2 } path ? path[2..] : "";
        if (e.Message.Contains("could not be mapped", StringComparison.Ordinal))
            return $"{line}: there is no field '{field}'; a recipe has {string.Join(", ", ExpectedByField.Keys)}.";
        return ExpectedByField.TryGetValue(field.Split('.', '[')[0], out string? expected)
            ? $"{line}, field '{field}': {expected} was expected."
            : $"{line}: this is not a recipe: a JSON object with fields such as {{ \"method\": \"mse\", \"bits\": \"w8a8\" }} was expected.";
    }
}
