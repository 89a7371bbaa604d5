using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Models;
using Bitis.Onnx.Operators;
using Bitis.Tensors;

namespace Bitis.Onnx.Exporting;

/// <summary>A float32 model in the form of ONNX.</summary>
internal static class FloatExport
{
    /// <summary>Builds the model.</summary>
    /// <exception cref="BitisException">
    /// A weight is not finite, an option is out of its range, or an operator cannot be exported.
    /// </exception>
    public static ExportedModel Build(VisionModel model, OnnxOptions options)
    {
        foreach ((string name, FloatTensor weight) in model.Weights)
        {
            if (Checkpoint.FindNonFinite(weight) is { } index)
            {
                throw new BitisException(
                    $"'{name}' holds {weight.Span[index]} at element {index}; only finite weights are exported.");
            }
        }
        (ModelWriter writer, Dictionary<string, string> metadata) = ModelBuilder.Build(
            model.Graph, new ModelDescription(model.Config, model.Preprocessing, model.ClassNames), model.Weights,
            options, OperatorTable.Write);
        IReadOnlyDictionary<string, string> names = FileDigest.StoredNames(model.Graph);
        HashSet<string> weights = [.. writer.WrittenParameters.Select(name => names[name])];
        metadata[ContentDigest.Key] = FileDigest.Of(
            metadata, writer.Onnx.Proto, writer.Onnx.Tensors.Where(tensor => !weights.Contains(tensor.Proto.Name)),
            writer.WrittenParameters.ToDictionary(name => name, name => model.Weights[name]));
        return new ExportedModel(writer.Onnx, metadata, ModelBuilder.DomainsOf(writer));
    }
}
