using System.Text.Json.Serialization;
using Bitis.Json;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Methods;

namespace Bitis.Quantization.Recipes;

/// <summary>The JSON of the settings of built-in methods and estimators.</summary>
[JsonSourceGenerationOptions(
    System.Text.Json.JsonSerializerDefaults.Strict,
    MaxDepth = StrictJson.MaxDepth,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NoSettings))]
[JsonSerializable(typeof(PercentileSettings))]
[JsonSerializable(typeof(SmoothQuantSettings))]
[JsonSerializable(typeof(QMambaSettings))]
[JsonSerializable(typeof(SmoothedLearningSettings))]
[JsonSerializable(typeof(Ptq4vmSettings))]
[JsonSerializable(typeof(NoEstimatorSettings))]
[JsonSerializable(typeof(PercentileRange))]
internal sealed partial class SettingsJson : JsonSerializerContext;
