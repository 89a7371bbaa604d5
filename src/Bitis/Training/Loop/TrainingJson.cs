using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Json;
using Bitis.Models;

namespace Bitis.Training.Loop;

/// <summary>What checkpoints and logs of a training hold as JSON.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict,
    MaxDepth = StrictJson.MaxDepth,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true)]
[JsonSerializable(typeof(ModelConfig))]
[JsonSerializable(typeof(TrainingIdentity))]
[JsonSerializable(typeof(TrainingPosition))]
[JsonSerializable(typeof(TrainingRecipe))]
[JsonSerializable(typeof(TrainingLog))]
internal sealed partial class TrainingJson : JsonSerializerContext;
