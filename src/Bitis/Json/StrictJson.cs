using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Bitis.Json;

/// <summary>Reads JSON from untrusted files. All JSON in files is read here.</summary>
/// <remarks>
/// Names must match exactly; unknown, missing and repeated ones are errors. Nesting is limited. Null is accepted only
/// where the type allows it, also in lists and dictionaries. Enums are names of defined values, and numbers are finite.
/// </remarks>
internal static class StrictJson
{
    /// <summary>The deepest nesting that is read. Bitis writes at most five levels.</summary>
    public const int MaxDepth = 16;

    /// <summary>Reads a value.</summary>
    /// <param name="text">The JSON.</param>
    /// <param name="type">The type, with strict options: <see cref="IsStrict"/>.</param>
    /// <param name="isComplete">
    /// Whether Bitis wrote the text. Then only members that may be null can be missing. Generated serializers ignore
    /// initial values of properties, so a missing member would be 0 or null.
    /// </param>
    /// <exception cref="StrictJsonException">
    /// The text does not fit the type; the exception says what and where.
    /// </exception>
    /// <exception cref="ArgumentException">The options are not strict.</exception>
    public static T Read<T>(string text, JsonTypeInfo<T> type, bool isComplete = true)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(type);
        if (!IsStrict(type.Options))
            throw new ArgumentException($"The JSON options for {type.Type.Name} are not strict.", nameof(type));
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
