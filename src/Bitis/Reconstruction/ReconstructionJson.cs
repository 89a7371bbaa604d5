using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Reconstruction;

/// <summary>The JSON of the files of finished blocks.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict,
    MaxDepth = StrictJson.MaxDepth,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(BlockRecord))]
internal sealed partial class ReconstructionJson : JsonSerializerContext;
