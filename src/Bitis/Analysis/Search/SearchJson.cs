using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Analysis.Search;

/// <summary>The JSON of finished runs.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict,
    MaxDepth = StrictJson.MaxDepth,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FinishedRun))]
internal sealed partial class SearchJson : JsonSerializerContext;
