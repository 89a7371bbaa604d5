using System.Text.Json;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Onnx.Operators;
using Bitis.Quantization;
using Bitis.Quantization.Files;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis.Onnx.Exporting;

/// <summary>A quantized model in the form of ONNX.</summary>
internal static class QuantizedExport
{
    /// <summary>Builds the model.</summary>
    /// <exception cref="BitisException">An option is out of its range, or an operator cannot be exported.</exception>
    public static ExportedModel Build(QuantizedModel model, OnnxOptions options)
    {
        var layers = new List<LayerArithmetic>();
        (ModelWriter writer, Dictionary<string, string> metadata) = ModelBuilder.Build(
            model.Graph, new ModelDescription(model.Config, model.Preprocessing, model.ClassNames),
            model.DequantizeWeights(), options, Write,
            node => model.Scans.ContainsKey(node.Name) ? QuantizedScanRow.Inputs(node) : node.Inputs);
        metadata[ModelBuilder.RecipeKey] = JsonSerializer.Serialize(
            RecipeDocument.Of(model.Recipe), QuantizedModelJson.Default.RecipeDocument);
        return new ExportedModel(writer.Onnx, metadata, ModelBuilder.DomainsOf(writer))
        {
            Layers = layers,
            NarrowLayers = model.Layers.Values.Count(WeightLevels.AreNarrow),
            QuantizedScans = model.Scans.Count,
        };

        Value Write(ModelWriter writer, Node node)
        {
            if (model.Scans.TryGetValue(node.Name, out QuantizedScan? scan))
                return QuantizedScanRow.Write(writer, node, scan);
            if (!model.Layers.TryGetValue(node.Name, out QuantizedLayer? layer))
                return OperatorTable.Write(writer, node);
            (Value value, LayerArithmetic arithmetic) = QuantizedLayerRow.Write(writer, node, layer);
            layers.Add(arithmetic);
            return value;
        }
    }
}
