using System.Text.Json.Serialization;
using Bitis.Data;

namespace Bitis.Models;

/// <summary>What model files hold as JSON, whether float or quantized.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ModelConfig))]
[JsonSerializable(typeof(Preprocessing))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class ModelJson : JsonSerializerContext;
