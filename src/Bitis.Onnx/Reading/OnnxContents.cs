using Bitis.Checkpoints.Safetensors;
using Bitis.Files;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Onnx.Exporting;
using Bitis.Quantization.Files;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;
using Onnx;
using DataLocation = Onnx.TensorProto.Types.DataLocation;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Onnx.Reading;

/// <summary>What an exported file holds.</summary>
/// <param name="Description">The architecture, the preprocessing and the classes' names.</param>
/// <param name="Graph">The model's graph, from the architecture.</param>
/// <param name="Recipe">The recipe of a quantized model; null for float32.</param>
/// <param name="Opset">The version of the standard operators.</param>
/// <param name="Domains">Other domains of operators.</param>
/// <param name="Operators">How many operators there are, without those in bodies of loops.</param>
/// <param name="TakesBytes">Whether the input is bytes.</param>
/// <param name="Length">The length of the file and of a second one with weights.</param>
/// <param name="Tensors">Its constants, by name.</param>
internal sealed record OnnxContents(
    ModelDescription Description, Graph Graph, Recipe? Recipe, long Opset, IReadOnlyList<string> Domains, int Operators,
    bool TakesBytes, long Length, IReadOnlyList<(string Name, string Type, Shape Shape)> Tensors)
{
    /// <summary>Reads a file. The weights of a float32 model are compared with their digest.</summary>
    /// <exception cref="BitisException">The file is damaged, or is not of Bitis.</exception>
    public static OnnxContents Read(string path, CancellationToken cancellationToken)
    {
        (ModelProto proto, Dictionary<string, string> metadata) = OnnxReader.Open(path);
        if (!metadata.ContainsKey(ModelBuilder.RecipeKey))
            OnnxReader.Load(path, proto, metadata, cancellationToken);
        try
        {
            var description = ModelDescription.Read(metadata);
            GraphProto graph = proto.Graph
                ?? throw new BitisException("there is no graph in it. Export the model again.");
            return new OnnxContents(
                description, description.Config.BuildGraph(),
                metadata.ContainsKey(ModelBuilder.RecipeKey)
                    ? MetadataJson.Read(metadata, ModelBuilder.RecipeKey, QuantizedModelJson.Default.RecipeDocument)
                        .ToRecipe()
                    : null,
                proto.OpsetImport.FirstOrDefault(import => import.Domain.Length == 0)?.Version ?? 0,
                [.. proto.OpsetImport.Select(import => import.Domain).Where(domain => domain.Length > 0)],
                graph.Node.Count,
                graph.Input is [{ Type.TensorType.ElemType: (int)DataType.Uint8 }, ..],
                LengthOf(path, graph),
                [.. graph.Initializer.Select(tensor => (tensor.Name, TypeOf(tensor), ShapeOf(tensor)))]);
        }
        catch (BitisException e) when (!e.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new BitisException($"{path}: {e.Message}", e);
        }
    }

    private static long LengthOf(string path, GraphProto graph)
    {
        IEnumerable<string> others = graph.Initializer
            .Where(tensor => tensor.DataLocation == DataLocation.External)
            .Select(tensor => tensor.ExternalData.FirstOrDefault(entry => entry.Key == "location")?.Value ?? "")
            .Distinct(StringComparer.Ordinal)
            .Select(name => Path.Combine(Path.GetDirectoryName(path) ?? "", Path.GetFileName(name)));
        return others.Prepend(path).Sum(file =>
        {
            InputPath.RequireFile(file, "the file with the model's weights");
            return new FileInfo(file).Length;
        });
    }

    private static string TypeOf(TensorProto tensor) => ((DataType)tensor.DataType) switch
    {
        DataType.Float => "float32",
        DataType.Double => "float64",
        DataType type => $"{type}".ToLowerInvariant(),
    };

    private static Shape ShapeOf(TensorProto tensor)
    {
        return tensor.Dims.All(size => size is > 0 and <= int.MaxValue)
            ? [.. tensor.Dims.Select(size => (int)size)]
            : throw new BitisException($"the shape of '{tensor.Name}' is damaged. Export the model again.");
    }
}
