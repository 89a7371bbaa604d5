using Bitis.Graphs;
using Bitis.Models;
using Bitis.Models.Segmentation;
using Bitis.Onnx.Operators;
using Bitis.Onnx.Writing;
using Bitis.Tensors;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Onnx.Exporting;

/// <summary>Puts together what float and quantized models have in common: input, output, metadata.</summary>
internal static class ModelBuilder
{
    /// <summary>The metadata entry that marks files of this form, and its version.</summary>
    public const string FormatKey = "bitis_onnx", FormatVersion = "2";

    /// <summary>The metadata entry with the recipe of a quantized model.</summary>
    public const string RecipeKey = "recipe";

    private const string Microsoft = "com.microsoft";
    private const float LargestByte = 255;

    /// <summary>Builds a model.</summary>
    /// <param name="graph">The model's graph.</param>
    /// <param name="description">The architecture, the preprocessing and the classes' names.</param>
    /// <param name="weights">The parameters that stay float32.</param>
    /// <param name="options">What the file should be like.</param>
    /// <param name="write">Writes a node.</param>
    /// <param name="inputs">The nodes whose values a node takes; null for those of the graph.</param>
    public static (ModelWriter Model, Dictionary<string, string> Metadata) Build(
        Graph graph, ModelDescription description, IReadOnlyDictionary<string, FloatTensor> weights,
        OnnxOptions options, Func<ModelWriter, Node, Value> write, Func<Node, IEnumerable<Node>>? inputs = null)
    {
        options.Validate();
        var model = new ModelWriter(graph, weights, options);
        model.Write(
            graph.Output,
            node => node.IsInput ? Image(model, node, description.Preprocessing) : write(model, node),
            inputs);
        Finish(model, description.Config);
        var metadata = new Dictionary<string, string> { [FormatKey] = FormatVersion };
        description.AddTo(metadata);
        return (model, metadata);
    }

    /// <summary>The domains besides the standard one that a model needs.</summary>
    public static IReadOnlyList<(string Name, int Version)> DomainsOf(ModelWriter model) =>
        model.Onnx.Proto.Node.Any(node => node.Domain == Microsoft) ? [(Microsoft, 1)] : [];

    /// <summary>Normalized pixels, or bytes that are normalized as <see cref="Preprocessing"/> does.</summary>
    private static Value Image(ModelWriter model, Node node, Preprocessing preprocessing)
    {
        GraphWriter onnx = model.Onnx;
        (int channels, int height, int width) = (node.Shape[0], node.Shape[1], node.Shape[2]);
        if (!model.Options.TakesBytes)
        {
            return new Value(onnx.Input(
                onnx.Scope, DataType.Float, GraphWriter.BatchSize, channels, height, width));
        }
        string bytes = onnx.Input(
            onnx.Names.Take("pixels"), DataType.Uint8, GraphWriter.BatchSize, height, width, channels);
        string shares = onnx.Add(
            "Div", [onnx.Add("Cast", [bytes], ("to", (int)DataType.Float)), onnx.Scalar(LargestByte)]);
        string centered = onnx.Add("Sub", [shares, onnx.Floats([.. preprocessing.Mean], channels)]);
        string normalized = onnx.Add("Div", [centered, onnx.Floats([.. preprocessing.Std], channels)]);
        return new Value(onnx.Add("Transpose", [normalized], ("perm", new[] { 0, 3, 1, 2 })));
    }

    /// <summary>Declares the output: logits, or a map of them in the image's size.</summary>
    private static void Finish(ModelWriter model, ModelConfig config)
    {
        GraphWriter onnx = model.Onnx;
        Node output = model.Graph.Output;
        onnx.Scope = model.ValueOf(output).Name;
        if (config is IDenseConfig dense)
        {
            (int height, int width) = (model.Graph.Input.Shape[1], model.Graph.Input.Shape[2]);
            (int mapHeight, int mapWidth) = dense.MapSize(height, width);
            int first = onnx.Proto.Node.Count;
            string logits = GridRows.Bilinear(
                model, model.Map(output, mapHeight, mapWidth), output.Shape[1], height, width);
            string name = onnx.Names.Take("logits");
            onnx.TryRename(logits, name, first);
            onnx.Output(name, DataType.Float, GraphWriter.BatchSize, output.Shape[1], height, width);
            return;
        }
        string plain = model.Plain(output);
        bool isComputed = onnx.Proto.Node.Any(node => node.Output.Contains(plain));
        onnx.Output(
            isComputed ? plain : onnx.Add("Identity", [plain]), DataType.Float,
            [GraphWriter.BatchSize, .. LayerRows.SizesOf(output)]);
    }
}
