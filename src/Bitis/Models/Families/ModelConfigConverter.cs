using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Bitis.Json;

namespace Bitis.Models.Families;

/// <summary>
/// Writes an architecture as an object whose first member is the name of its family, and reads it back.
/// </summary>
internal sealed class ModelConfigConverter : JsonConverter<ModelConfig>, IFormsByName
{
    /// <summary>The member that names the family.</summary>
    private const string FamilyKey = "family";

    /// <inheritdoc />
    public string NameKey => FamilyKey;

    /// <inheritdoc />
    public IReadOnlyList<string> Names => [.. ModelFamilies.All.Select(family => family.Name)];

    /// <inheritdoc />
    public string Advice => ModelFamilies.Advice;

    /// <inheritdoc />
    public JsonTypeInfo FormOf(string name, JsonSerializerOptions options) => ModelFamilies.Named(name).FormIn(options);

    /// <inheritdoc />
    public override ModelConfig Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        JsonElement config = document.RootElement;
        if (config.ValueKind != JsonValueKind.Object)
            throw new JsonException($"a model is an object with a '{FamilyKey}', not {config.ValueKind}.");
        if (!config.TryGetProperty(FamilyKey, out JsonElement name) || name.ValueKind != JsonValueKind.String)
            throw new JsonException($"a model has a '{FamilyKey}' that is text.");
        ModelFamily family = ModelFamilies.Named(name.GetString()!);
        return (ModelConfig?)JsonSerializer.Deserialize(WithoutFamily(config), family.FormIn(options))
            ?? throw new JsonException("a model is missing.");
    }

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, ModelConfig value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(value);
        ModelFamily family = ModelFamilies.Of(value);
        writer.WriteStartObject();
        writer.WriteString(FamilyKey, family.Name);
        JsonElement members = JsonSerializer.SerializeToElement(value, family.FormIn(options));
        foreach (JsonProperty member in members.EnumerateObject())
            member.WriteTo(writer);
        writer.WriteEndObject();
    }

    /// <summary>The members without the first <c>family</c>; a second one is refused as an unknown member.</summary>
    private static string WithoutFamily(JsonElement config)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            bool isFound = false;
            foreach (JsonProperty member in config.EnumerateObject())
            {
                if (member.NameEquals(FamilyKey) && !isFound)
                    isFound = true;
                else
                    member.WriteTo(writer);
            }
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
