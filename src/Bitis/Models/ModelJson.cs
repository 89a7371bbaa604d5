using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Json;
using Bitis.Models.Graphs;
using Bitis.Models.LocalMamba;
using Bitis.Models.Poses;
using Bitis.Models.Reference;
using Bitis.Models.Segmentation;
using Bitis.Models.Vim;
using Bitis.Models.VMamba;

namespace Bitis.Models;

/// <summary>The JSON in float and quantized model files.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict,
    MaxDepth = StrictJson.MaxDepth,
    IgnoreReadOnlyProperties = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ModelConfig))]
[JsonSerializable(typeof(VimConfig))]
[JsonSerializable(typeof(VMambaConfig))]
[JsonSerializable(typeof(VMambaSegmentationConfig))]
[JsonSerializable(typeof(LocalVimConfig))]
[JsonSerializable(typeof(LocalVMambaConfig))]
[JsonSerializable(typeof(VitConfig))]
[JsonSerializable(typeof(ResNetConfig))]
[JsonSerializable(typeof(GraphConfig))]
[JsonSerializable(typeof(PoseConfig))]
[JsonSerializable(typeof(Preprocessing))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class ModelJson : JsonSerializerContext;
