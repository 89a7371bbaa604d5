using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Json;
using Bitis.Quantization.Files;

namespace Bitis.Quantization.Recipes;

/// <summary>
/// Reads and writes a recipe as the JSON of its <see cref="RecipeDocument"/>, independent of the caller's options.
/// </summary>
internal sealed class RecipeJson : JsonConverter<Recipe>
{
    /// <inheritdoc />
    public override Recipe Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        return StrictJson.Read(document.RootElement.GetRawText(), QuantizedModelJson.Default.RecipeDocument).ToRecipe();
    }

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, Recipe value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, RecipeDocument.Of(value), QuantizedModelJson.Default.RecipeDocument);
}
