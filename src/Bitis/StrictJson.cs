using System.Collections;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Bitis.Data;
using Bitis.Models;

namespace Bitis;

/// <summary>Reads JSON from files that may come from anybody: the one door for all of it.</summary>
/// <remarks>
/// Names are exact, none is unknown, missing or there twice; nesting is bounded; nothing is null that may not be, elements of lists and
/// dictionaries included; enums are names of defined values; numbers are finite.
/// </remarks>
public static class StrictJson
{
    /// <summary>The deepest nesting that is read; the deepest that is written has five levels.</summary>
    public const int MaxDepth = 16;

    /// <summary>Reads a value; null for the text <c>null</c>.</summary>
    /// <param name="text">The JSON.</param>
    /// <param name="type">What it is, with strict options: <see cref="IsStrict"/>.</param>
    /// <param name="isComplete">
    /// Whether Bitis wrote the text: then no member is missing but those that may be null. Generated serializers know no initial values of
    /// properties: what is missing would be 0 or null.
    /// </param>
    /// <exception cref="JsonException">The text is something else; the exception's path says where.</exception>
    /// <exception cref="ArgumentException">The options are not strict.</exception>
    public static T? Read<T>(string text, JsonTypeInfo<T> type, bool isComplete = true)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(type);
        if (!IsStrict(type.Options))
            throw new ArgumentException($"The options for {type.Type.Name} allow what no file may hold.", nameof(type));
        T? value = JsonSerializer.Deserialize(text, type);
        if (value is null)
            return null;
        using JsonDocument? document = isComplete ? JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MaxDepth }) : null;
        Check(value, type.Options, document?.RootElement, "$");
        return value;
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

    /// <summary>Refuses what the serializer lets through: null elements, undefined enum values, infinite numbers, missing members.</summary>
    private static void Check(object value, JsonSerializerOptions options, JsonElement? json, string path)
    {
        switch (value)
        {
            case string:
                return;
            case Enum when !Enum.IsDefined(value.GetType(), value):
                throw Refusal($"{value} is no {value.GetType().Name}", path);
            case double number when !double.IsFinite(number):
                throw Refusal("the number is too large", path);
            case float number when !float.IsFinite(number):
                throw Refusal("the number is too large", path);
            case ChannelValues:
                return; // its converter has checked it
            case IDictionary entries:
                foreach (DictionaryEntry entry in entries)
                    CheckElement(entry.Value, options, json?.GetProperty((string)entry.Key), $"{path}.{entry.Key}");
                return;
            case IEnumerable elements:
                int index = 0;
                foreach (object? element in elements)
                {
                    CheckElement(element, options, json?[index], string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]"));
                    index++;
                }
                return;
        }
        if (value.GetType().IsPrimitive || value is Enum || options.GetTypeInfo(value.GetType()) is not { Kind: JsonTypeInfoKind.Object } type)
            return;
        foreach (JsonPropertyInfo property in type.Properties)
        {
            if (property.PropertyType == typeof(ModelConfig))
                continue; // its converter has read it through here
            JsonElement member = default;
            bool isRead = property.Set is not null || property.AssociatedParameter is not null;
            if (isRead && json?.TryGetProperty(property.Name, out member) == false && !MayBeNull(property))
                throw Refusal($"'{property.Name}' is missing", path);
            if (isRead && property.Get?.Invoke(value) is { } content)
                Check(content, options, member.ValueKind != JsonValueKind.Undefined ? member : null, $"{path}.{property.Name}");
        }
    }

    private static bool MayBeNull(JsonPropertyInfo property) =>
        property.PropertyType.IsValueType ? Nullable.GetUnderlyingType(property.PropertyType) is not null : property.IsSetNullable;

    private static void CheckElement(object? element, JsonSerializerOptions options, JsonElement? json, string path) =>
        Check(element ?? throw Refusal("null is no element", path), options, json, path);

    private static JsonException Refusal(string problem, string path) =>
        new($"{problem}, at {path}", path, lineNumber: null, bytePositionInLine: null);
}
