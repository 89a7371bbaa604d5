using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bitis.Data.Resampling;

/// <summary>
/// Three values are an object with the names of the colours, as they have always been written; any other number is an
/// array. Both are read.
/// </summary>
internal sealed class ChannelValuesConverter : JsonConverter<ChannelValues>
{
    private const int MaxChannels = 1024;
    private static readonly string[] Colours = ["red", "green", "blue"];

    /// <inheritdoc />
    public override ChannelValues Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        JsonElement json = document.RootElement;
        return json.ValueKind switch
        {
            JsonValueKind.Array when json.GetArrayLength() <= MaxChannels =>
                new([.. json.EnumerateArray().Select(Number)]),
            JsonValueKind.Object when json.EnumerateObject().Select(
                member => member.Name).Order().SequenceEqual(Colours.Order()) =>
                new([.. Colours.Select(colour => Number(json.GetProperty(colour)))]),
            _ => throw new JsonException(
                $"expected a number for each of at most {MaxChannels} channels: [0.5], or red, green and blue."),
        };
    }

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, ChannelValues value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (value.Count == Colours.Length)
        {
            writer.WriteStartObject();
            for (int c = 0; c < Colours.Length; c++)
                writer.WriteNumber(Colours[c], value[c]);
            writer.WriteEndObject();
            return;
        }
        writer.WriteStartArray();
        foreach (float number in value)
            writer.WriteNumberValue(number);
        writer.WriteEndArray();
    }

    private static float Number(JsonElement json) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetSingle(out float number) && float.IsFinite(number)
            ? number
            : throw new JsonException($"'{DisplayText.Of(json.GetRawText())}' is no finite number.");
}
