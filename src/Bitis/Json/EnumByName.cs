using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bitis.Json;

/// <summary>Reads and writes enums in JSON as exactly one of their names.</summary>
/// <remarks>Numbers and lists of names are refused.</remarks>
/// <typeparam name="T">The enum, with this converter in its <see cref="JsonConverterAttribute"/>.</typeparam>
internal sealed class EnumByName<T> : JsonConverter<T>
    where T : struct, Enum
{
    private readonly Dictionary<string, T> _values;

    /// <summary>Creates a converter with the names in the code: <c>PerToken</c>.</summary>
    public EnumByName()
        : this(policy: null)
    {
    }

    /// <summary>Creates a converter with names in another spelling.</summary>
    /// <param name="policy">Converts a name in the code to its name in JSON; null for no change.</param>
    public EnumByName(JsonNamingPolicy? policy) =>
        _values = Enum.GetNames<T>().ToDictionary(name => policy?.ConvertName(name) ?? name, Enum.Parse<T>);

    /// <inheritdoc />
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String && _values.TryGetValue(reader.GetString()!, out T value))
            return value;
        string names = string.Join(", ", _values.Keys.Select(name => $"\"{name}\""));
        throw new JsonException($"expected one of {names}");
    }

    /// <inheritdoc />
    /// <exception cref="JsonException">The value has no name.</exception>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        foreach ((string name, T known) in _values)
        {
            if (EqualityComparer<T>.Default.Equals(known, value))
            {
                writer.WriteStringValue(name);
                return;
            }
        }
        throw new JsonException($"{value} is no {typeof(T).Name}.");
    }
}
