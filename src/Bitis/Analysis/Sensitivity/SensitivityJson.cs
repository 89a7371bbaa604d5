using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Analysis.Sensitivity;

/// <summary>The JSON of finished sites.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict,
    MaxDepth = StrictJson.MaxDepth,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FinishedSite))]
internal sealed partial class SensitivityJson : JsonSerializerContext;
