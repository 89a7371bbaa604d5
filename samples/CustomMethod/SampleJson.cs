using System.Text.Json;
using System.Text.Json.Serialization;

namespace CustomMethod;

/// <summary>How the settings look in recipes and files. The options are those that Bitis asks for.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict, MaxDepth = 16, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SigmaRange))]
[JsonSerializable(typeof(SigmaSettings))]
internal sealed partial class SampleJson : JsonSerializerContext;
