using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Cli.Input;

/// <summary>Enums in files that users write: exactly one name, in camel case like the members.</summary>
internal sealed class CamelCaseEnums : JsonConverterFactory
{
    /// <inheritdoc />
    public override bool CanConvert(Type typeToConvert) => typeToConvert.IsEnum;

    /// <inheritdoc />
    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(
            typeof(EnumByName<>).MakeGenericType(typeToConvert), JsonNamingPolicy.CamelCase)!;
}
