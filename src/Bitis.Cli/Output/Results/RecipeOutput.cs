using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Quantization.Recipes;

namespace Bitis.Cli.Output.Results;

/// <summary>Writes recipes in results, with the names of results. Results are not read back.</summary>
internal sealed class RecipeOutput : JsonConverter<Recipe>
{
    /// <inheritdoc />
    public override Recipe Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException();

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, Recipe value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, RecipeDocument.Of(value), options);
}
