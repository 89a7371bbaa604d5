using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Data.Decoding;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Models;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Quantization.Files;

/// <summary>Reads and writes <c>.bitis</c> files, which are safetensors files (docs/file-format.md).</summary>
/// <remarks>
/// Each quantized layer has
/// <code>
///   {layer}.weight             I8 in the checkpoint's shape; for 4 bits and less U8 [out, ⌈in/2⌉], two levels a byte
///   {layer}.weight_scale       F32 [out]
///   {layer}.input_scale        F32 [1], [tokens] or [channels]
///   {layer}.input_zero_point   U8, as the scale
///   {layer}.input_factor       F32 [in], where the input's channels are multiplied by something first
///   {layer}.input_rotation     I32 [1], where they pass through a Hadamard transform of that many first
/// </code>
/// The other parameters keep their names and shapes, as F16 if that is exact, else as F32. The metadata hold everything
/// else, with a digest of the whole file, since the container has no checksum.
/// </remarks>
internal static class QuantizedModelFile
{
    /// <summary>The entry of the metadata that lists the quantized layers.</summary>
    public const string LayersKey = "layers";

    private const string FormatKey = VisionModelFile.QuantizedFormatKey;

    private const string FormatVersion = "3", FlatRecipes = "2", OldDigest = "1";

    public static bool IsQuantized(string path)
    {
        try
        {
            using Checkpoint file = Checkpoint.Open(path);
            return file.Metadata.ContainsKey(FormatKey);
        }
        catch (BitisException)
        {
            return false;
        }
    }

    public static long Save(QuantizedModel model, string path, CancellationToken cancellationToken)
    {
        (List<SafetensorsTensor> tensors, Dictionary<string, string> metadata) = ContentsOf(model);
        return SafetensorsWriter.Write(path, tensors, metadata, cancellationToken);
    }

    public static long Save(QuantizedModel model, Stream stream, CancellationToken cancellationToken)
    {
        (List<SafetensorsTensor> tensors, Dictionary<string, string> metadata) = ContentsOf(model);
        return SafetensorsWriter.Write(stream, tensors, metadata, cancellationToken);
    }

    public static QuantizedModel Load(string path, CancellationToken cancellationToken)
    {
        using Checkpoint file = Checkpoint.Open(path);
        string? version = file.Metadata.GetValueOrDefault(FormatKey);
        if (version is not (FormatVersion or FlatRecipes or OldDigest))
        {
            throw BitisException.InFile(path, version is null
                ? "this is a checkpoint, not a quantized model; 'bitis quantize' makes one of it."
                : $"this is a quantized model of format {version}; this version of Bitis reads formats "
                    + $"{OldDigest}, {FlatRecipes} and {FormatVersion}.");
        }
        if (version == OldDigest)
            ContentDigest.VerifyFormat1(file, cancellationToken);
        else
            ContentDigest.Verify(file, cancellationToken: cancellationToken);
        try
        {
            return Read(file, hasFlatRecipe: version != FormatVersion, cancellationToken);
        }
        catch (BitisException e) when (!e.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new BitisException($"{path}: {e.Message}", e);
        }
        catch (ArgumentException e)
        {
            throw new BitisException($"{path}: the model in this file does not fit together: {e.Message}", e);
        }
    }

    private static (List<SafetensorsTensor> Tensors, Dictionary<string, string> Metadata) ContentsOf(
        QuantizedModel model)
    {
        IEnumerable<SafetensorsTensor> floats = model.Weights
            .OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => FloatTensor(pair.Key, pair.Value));
        // Wide types first, so that every tensor starts at a multiple of its element's size.
        List<SafetensorsTensor> tensors =
            [.. floats.Concat(TensorsOf(model.Layers, model.Graph)).Concat(QuantizedScanFile.TensorsOf(
                model.Scans, model.Graph)).OrderByDescending(tensor => tensor.DType.BitSize())];

        if (tensors.GroupBy(tensor => tensor.Name).FirstOrDefault(named => named.Count() > 1) is { } twice)
        {
            throw new BitisException(
                $"Two tensors of the model would be called '{twice.Key}' in the file: "
                + "rename the parameter of that name.");
        }

        QuantizedModelJson json = QuantizedModelJson.Default;
        var metadata = new Dictionary<string, string>
        {
            [FormatKey] = FormatVersion,
            ["recipe"] = JsonSerializer.Serialize(RecipeDocument.Of(model.Recipe), json.RecipeDocument),
            ["calibration"] = JsonSerializer.Serialize(model.Calibration, json.CalibrationDigest),
            [LayersKey] = LayersOf(model.Layers),
            [QuantizedScanFile.ScansKey] = QuantizedScanFile.Describe(model.Scans),
        };
        new ModelDescription(model.Config, model.Preprocessing, model.ClassNames).AddTo(metadata);
        metadata[ContentDigest.Key] = ContentDigest.Of(metadata, tensors);
        return (tensors, metadata);
    }

    /// <summary>The tensors of quantized layers, wide types first.</summary>
    public static List<SafetensorsTensor> TensorsOf(IReadOnlyDictionary<string, QuantizedLayer> layers, Graph graph)
    {
        var tensors = new List<SafetensorsTensor>();
        foreach ((string name, QuantizedLayer layer) in layers.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            AddLayer(tensors, graph[name], layer);
        return [.. tensors.OrderByDescending(tensor => tensor.DType.BitSize())];
    }

    /// <summary>The bits of quantized layers, as JSON for the metadata.</summary>
    public static string LayersOf(IReadOnlyDictionary<string, QuantizedLayer> layers) => JsonSerializer.Serialize(
        layers.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(
            pair => pair.Key, pair => BitsOf(pair.Value)),
        QuantizedModelJson.Default.DictionaryStringBitWidths);

    /// <summary>The quantized layers of a file.</summary>
    /// <exception cref="BitisException">The layers do not fit the model.</exception>
    public static Dictionary<string, QuantizedLayer> ReadLayers(TensorDirectory tensors, Graph graph, Recipe recipe)
    {
        var layers = new Dictionary<string, QuantizedLayer>();
        Dictionary<string, Node> nodes = graph.Nodes.ToDictionary(node => node.Name);
        foreach (
            (string name, BitWidths bits) in MetadataJson.Read(
                tensors.Metadata, LayersKey, QuantizedModelJson.Default.DictionaryStringBitWidths))
        {
            if (!nodes.TryGetValue(name, out Node? node) || !QuantizedLayer.Covers(node.Operator))
                throw new BitisException($"'{name}' is quantized in this file, but the model has no such layer.");
            if (bits == BitWidths.None)
                throw new BitisException($"'{name}' is listed as quantized with {bits}, which is not quantized.");
            try
            {
                layers.Add(name, ReadLayer(tensors, node, bits, recipe.GranularityOf(node)));
            }
            catch (ArgumentException e)
            {
                throw new BitisException($"the layer '{name}' does not fit together: {e.Message}", e);
            }
        }
        return layers;
    }

    private static QuantizedModel Read(Checkpoint file, bool hasFlatRecipe, CancellationToken cancellationToken)
    {
        QuantizedModelJson json = QuantizedModelJson.Default;
        (
            ModelConfig config, Preprocessing preprocessing,
            IReadOnlyList<string>? classNames) = ModelDescription.Read(file.Metadata);
        Recipe recipe = MetadataJson.Read(file.Metadata, "recipe", json.RecipeDocument).ToRecipe(hasFlatRecipe);
        CalibrationDigest calibration = MetadataJson.Read(file.Metadata, "calibration", json.CalibrationDigest);
        calibration.Validate();

        Graph graph = NormFolding.OfAnswer(config.BuildGraph()).Graph;
        var tensors = new TensorDirectory(file, cancellationToken);
        Dictionary<string, QuantizedLayer> layers = ReadLayers(tensors, graph, recipe);
        Dictionary<string, QuantizedScan> scans = QuantizedScanFile.Read(tensors, graph);
        if (scans.Count > 0 && !recipe.CoversScans)
            throw new BitisException($"the file has quantized scans, but its recipe's scope is '{recipe.Scope}'.");
        HashSet<string> quantizedWeights =
        [
            .. layers.Where(pair => pair.Value.Weight is not null).Select(pair => graph[pair.Key].ParameterNames[0]),
            .. scans.Keys.Select(name => graph[name].ParameterNames[0]), // A_log
        ];
        Dictionary<string, FloatTensor> weights = graph.Parameters
            .Where(parameter => !quantizedWeights.Contains(parameter.Name))
            .ToDictionary(parameter => parameter.Name, parameter => tensors.Floats(parameter.Name, parameter.Shape));
        tensors.RequireAllRead();
        ScanRates.Validate(graph, weights);
        QuantizedScanFile.RequireFiniteSkips(scans, graph, weights);
        return new QuantizedModel(config, preprocessing, classNames, recipe, calibration, weights, layers, scans);
    }

    private static void AddLayer(List<SafetensorsTensor> tensors, Node node, QuantizedLayer layer)
    {
        string name = node.Name;
        Shape shape = node.Operator.Parameters[0].Shape;
        if (layer.Weight is { } weight)
        {
            tensors.Add(weight.Bits <= 4
                ? new(
                    node.ParameterNames[0], DType.UInt8, PackedShape(shape),
                    RowNibbles.Pack(layer.Levels, InputsOf(shape)))
                : new(
                    node.ParameterNames[0], DType.Int8, shape, MemoryMarshal.AsBytes(layer.Levels.AsSpan()).ToArray()));
            tensors.Add(
                new($"{name}.weight_scale", DType.Float32, [shape[0]], MemoryMarshal.AsBytes(weight.Scales).ToArray()));
        }
        if (layer.Input is { } input)
        {
            Shape groups = [input.Scales.Length];
            tensors.Add(
                new($"{name}.input_scale", DType.Float32, groups, MemoryMarshal.AsBytes(input.Scales).ToArray()));
            tensors.Add(
                new(
                    $"{name}.input_zero_point", DType.UInt8, groups,
                    Array.ConvertAll(input.ZeroPoints.ToArray(), zero => (byte)zero)));
        }
        if (layer.InputFactors is { } factors)
        {
            tensors.Add(
                new(
                    $"{name}.input_factor", DType.Float32, [factors.Length],
                    MemoryMarshal.AsBytes(factors.AsSpan()).ToArray()));
        }

        if (layer.RotationOrder > 1)
            tensors.Add(new($"{name}.input_rotation", DType.Int32, [1], BitConverter.GetBytes(layer.RotationOrder)));
    }

    private static QuantizedLayer ReadLayer(TensorDirectory tensors, Node node, BitWidths bits, Granularity granularity)
    {
        string name = node.Name;
        Shape shape = node.Operator.Parameters[0].Shape;
        sbyte[]? levels = null;
        UniformQuantizer? weight = null, input = null;
        if (bits.Weights != BitWidths.Float)
        {
            bool packed = bits.Weights <= 4;
            byte[] bytes = tensors.Bytes(
                node.ParameterNames[0], packed ? DType.UInt8 : DType.Int8, packed ? PackedShape(shape) : shape);
            levels = packed
                ? RowNibbles.Unpack(bytes, InputsOf(shape))
                : MemoryMarshal.Cast<byte, sbyte>(bytes).ToArray();
            weight = UniformQuantizer.Symmetric(
                bits.Weights, Granularity.PerChannel, tensors.Scales($"{name}.weight_scale", [shape[0]]));
            if (
                Array.FindIndex(
                    levels, level => level < weight.MinLevel || level > weight.MaxLevel) is >= 0 and var index)
            {
                throw new BitisException(
                    $"tensor '{node.ParameterNames[0]}' has level {levels[index]}, outside {weight.MinLevel} to "
                    + $"{weight.MaxLevel}.");
            }
        }
        if (bits.Activations != BitWidths.Float)
        {
            Shape groups = [QuantizedLayer.InputGroups(granularity, node)];
            input = UniformQuantizer.Asymmetric(
                bits.Activations,
                granularity,
                tensors.Scales($"{name}.input_scale", groups),
                tensors.ZeroPoints($"{name}.input_zero_point", groups, bits.Activations));
        }
        float[]? factors = node.IsLinear && tensors.Contains($"{name}.input_factor")
            ? tensors.Scales($"{name}.input_factor", [node.Operator.Product!.Inputs])
            : null;
        var layer = new QuantizedLayer(levels, weight, input, factors, ReadRotation(tensors, node));
        RequireFiniteProducts(name, layer, InputsOf(shape));
        return layer;
    }

    /// <summary>Throws if a layer's output could leave the range of float32 because of its scales alone.</summary>
    private static void RequireFiniteProducts(string name, QuantizedLayer layer, int inputs)
    {
        double weight = layer.Weight is { } w ? Largest(w.Scales) * w.MaxLevel : 1,
            input = layer.Input is { } x ? Largest(x.Scales) * x.MaxLevel : 1;
        double factor = layer.InputFactors is { } factors ? Largest(factors) : 1;
        double largest = weight * Math.Max(Math.Max(input * inputs, factor), Math.Sqrt(layer.RotationOrder));
        if (largest > float.MaxValue)
        {
            string?[] scales =
            [
                layer.Weight is null ? null : $"'{name}.weight_scale'",
                layer.Input is null ? null : $"'{name}.input_scale'",
            ];
            throw new BitisException(
                $"the numbers of {string.Join(" and ", scales.OfType<string>())} are so large that the layer's values "
                + "could exceed float32.");
        }
    }

    private static double Largest(ReadOnlySpan<float> values) => TensorPrimitives.Max(values);

    private static int ReadRotation(TensorDirectory tensors, Node node)
    {
        string name = $"{node.Name}.input_rotation";
        if (!tensors.Contains(name))
            return 1;
        int order = BinaryPrimitives.ReadInt32LittleEndian(tensors.Bytes(name, DType.Int32, [1]));
        return node.IsLinear && order > 1 && int.IsPow2(order) && node.Operator.Product!.Inputs % order == 0
            ? order
            : throw new BitisException(
                $"tensor '{name}' is {order}; expected a power of two that divides the layer's inputs.");
    }

    /// <summary>The number of weights of an output channel.</summary>
    private static int InputsOf(Shape weight) => (int)weight.DropFirst().ElementCount;

    /// <summary>The shape of weights with two levels a byte.</summary>
    private static Shape PackedShape(Shape weight) => [weight[0], RowNibbles.RowBytes(InputsOf(weight))];

    private static BitWidths BitsOf(QuantizedLayer layer) =>
        new(layer.Weight?.Bits ?? BitWidths.Float, layer.Input?.Bits ?? BitWidths.Float);

    private static SafetensorsTensor FloatTensor(string name, FloatTensor tensor)
    {
        var halves = new Half[tensor.Length];
        for (int i = 0; i < halves.Length; i++)
        {
            halves[i] = (Half)tensor.Span[i];
            if ((float)halves[i] != tensor.Span[i])
            {
                return new SafetensorsTensor(
                    name, DType.Float32, tensor.Shape, MemoryMarshal.AsBytes(tensor.Span).ToArray());
            }
        }
        return new SafetensorsTensor(
            name, DType.Float16, tensor.Shape, MemoryMarshal.AsBytes(halves.AsSpan()).ToArray());
    }
}
