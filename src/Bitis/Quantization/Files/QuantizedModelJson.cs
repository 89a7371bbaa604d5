using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Json;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis.Quantization.Files;

/// <summary>
/// What a <c>.bitis</c> file holds as JSON, besides what every model file does (<see cref="Models.ModelJson"/>).
/// </summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict,
    MaxDepth = StrictJson.MaxDepth,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RecipeDocument))]
[JsonSerializable(typeof(CalibrationDigest))]
[JsonSerializable(typeof(Dictionary<string, BitWidths>))]
[JsonSerializable(typeof(Dictionary<string, ScanDescription>))]
internal sealed partial class QuantizedModelJson : JsonSerializerContext;
