using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Json;
using Bitis.Models;

namespace Bitis.Training.Loop;

/// <summary>The JSON of checkpoints and logs of a training.</summary>
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
