using System.Text.Json.Serialization;
using Bitis.Data;
using Bitis.Models;

namespace Bitis.Quantization;

/// <summary>What a <c>.bitis</c> file holds as JSON.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ModelConfig))]
[JsonSerializable(typeof(Preprocessing))]
[JsonSerializable(typeof(Recipe))]
[JsonSerializable(typeof(CalibrationDigest))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(Dictionary<string, BitWidths>))]
internal sealed partial class QuantizedModelJson : JsonSerializerContext;
