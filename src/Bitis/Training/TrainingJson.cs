using System.Text.Json.Serialization;
using Bitis.Models;

namespace Bitis.Training;

/// <summary>What a training checkpoint holds as JSON.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ModelConfig))]
[JsonSerializable(typeof(TrainingRecipe))]
[JsonSerializable(typeof(EpochSums))]
[JsonSerializable(typeof(IReadOnlyList<EpochRecord>))]
internal sealed partial class TrainingJson : JsonSerializerContext;
