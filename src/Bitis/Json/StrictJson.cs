using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Bitis.Json;

/// <summary>Reads JSON from files that may come from anybody: the one door for all of it.</summary>
/// <remarks>
/// Names are exact, none is unknown, missing or there twice; nesting is bounded; nothing is null that may not be,
/// elements of lists and dictionaries included; enums are names of defined values; numbers are finite.
/// </remarks>
internal static class StrictJson
{
    /// <summary>The deepest nesting that is read; the deepest that is written has five levels.</summary>
    public const int MaxDepth = 16;

    /// <summary>Reads a value.</summary>
    /// <param name="text">The JSON.</param>
    /// <param name="type">What it is, with strict options: <see cref="IsStrict"/>.</param>
    /// <param name="isComplete">
    /// Whether Bitis wrote the text: then no member is missing but those that may be null. Generated serializers know
    /// no initial values of properties: what is missing would be 0 or null.
    /// </param>
    /// <exception cref="StrictJsonException">The text is something else; the exception says what and where.</exception>
    /// <exception cref="ArgumentException">The options are not strict.</exception>
    public static T Read<T>(string text, JsonTypeInfo<T> type, bool isComplete = true)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(type);
        if (!IsStrict(type.Options))
            throw new ArgumentException($"The options for {type.Type.Name} allow what no file may hold.", nameof(type));
        new JsonInspector(type.Options, isComplete).Inspect(text, type);
        try
        {
            return JsonSerializer.Deserialize(text, type)!;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new StrictJsonException("", line: 1, $"this cannot be read: {e.Message}", expected: null, e);
        }
    }

    /// <summary>Whether options refuse unknown and repeated names, missing and null values, and deep nesting.</summary>
    public static bool IsStrict(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options is
        {
            UnmappedMemberHandling: JsonUnmappedMemberHandling.Disallow,
            AllowDuplicateProperties: false,
            PropertyNameCaseInsensitive: false,
            RespectNullableAnnotations: true,
            RespectRequiredConstructorParameters: true,
            NumberHandling: JsonNumberHandling.Strict,
            MaxDepth: > 0 and <= MaxDepth,
        };
    }
}
