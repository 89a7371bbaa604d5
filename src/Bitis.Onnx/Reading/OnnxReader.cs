using System.Globalization;
using System.Runtime.InteropServices;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Files;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Onnx.Exporting;
using Bitis.Onnx.Operators;
using Bitis.Onnx.Writing;
using Bitis.Tensors;
using Google.Protobuf;
using Onnx;
using DataLocation = Onnx.TensorProto.Types.DataLocation;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Onnx.Reading;

/// <summary>Opens float32 models that were exported.</summary>
/// <remarks>
/// The metadata describe the model, and its weights have their names. So no operator of the file is read. The digest
/// covers them, though.
/// </remarks>
internal static class OnnxReader
{
    private const string MakeAgain = "Copy it again from its source, or export the model again.";

    /// <summary>The longest tensor besides weights that a second file may hold.</summary>
    private const int MostConstantBytes = 1 << 28;

    /// <summary>Whether a file has the name of an ONNX file.</summary>
    public static bool IsNamedOnnx(string path) =>
        Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase);

    /// <summary>Opens a file.</summary>
    /// <exception cref="BitisException">The file cannot be opened; the message says why.</exception>
    public static VisionModel Load(string path, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        (ModelProto proto, Dictionary<string, string> metadata) = Open(path);
        return Load(path, proto, metadata, cancellationToken);
    }

    /// <summary>Makes a model of a file that was read without its weights.</summary>
    /// <exception cref="BitisException">The weights are not float32, or not those that were written.</exception>
    public static VisionModel Load(
        string path, ModelProto proto, Dictionary<string, string> metadata, CancellationToken cancellationToken)
    {
        if (metadata.ContainsKey(ModelBuilder.RecipeKey))
        {
            throw BitisException.InFile(
                path, "this is a quantized model for other runtimes; open the .bitis file that it was made from.");
        }
        try
        {
            return Read(path, proto, metadata, cancellationToken);
        }
        catch (BitisException e) when (!e.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new BitisException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Reads a file that Bitis wrote, without its weights.</summary>
    /// <exception cref="BitisException">The file cannot be read, or is not of Bitis.</exception>
    public static (ModelProto Model, Dictionary<string, string> Metadata) Open(string path)
    {
        ModelProto proto = Parse(path);
        Dictionary<string, string> metadata = [];
        foreach (StringStringEntryProto entry in proto.MetadataProps)
            metadata[entry.Key] = entry.Value;
        RequireOurs(path, metadata);
        return (proto, metadata);
    }

    private static ModelProto Parse(string path)
    {
        InputPath.RequireFile(path, "an ONNX file");
        try
        {
            using FileStream stream = File.OpenRead(path);
            if (stream.Length == 0)
                throw BitisException.InFile(path, $"this file is empty. {MakeAgain}");
            return stream.Length <= int.MaxValue
                ? ModelProto.Parser.ParseFrom(stream)
                : throw BitisException.InFile(path, "this is larger than 2 GiB, which no ONNX file is.");
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new BitisException($"{path}: this is not an ONNX file, or it is damaged. {MakeAgain}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException($"{path}: cannot be read: {SystemMessage.Of(e)}.", e);
        }
    }

    private static void RequireOurs(string path, Dictionary<string, string> metadata)
    {
        if (!metadata.TryGetValue(ModelBuilder.FormatKey, out string? version))
        {
            throw BitisException.InFile(
                path, "this ONNX file is not of Bitis, which opens only those that it exported. Give the checkpoint.");
        }
        if (version != ModelBuilder.FormatVersion)
        {
            throw BitisException.InFile(
                path, $"this is an ONNX file of form {version}; this version of Bitis reads form "
                + $"{ModelBuilder.FormatVersion}.");
        }
    }

    private static VisionModel Read(
        string path, ModelProto proto, Dictionary<string, string> metadata, CancellationToken cancellationToken)
    {
        var description = ModelDescription.Read(metadata);
        Graph graph = description.Config.BuildGraph();
        Dictionary<string, TensorProto> stored = [];
        foreach (TensorProto tensor in proto.Graph?.Initializer ?? [])
            stored[tensor.Name] = tensor;
        IReadOnlyDictionary<string, string> names = FileDigest.StoredNames(graph);
        HashSet<string> used = [.. ModelWriter.Needed(graph, graph.Output).SelectMany(node => node.ParameterNames)];
        var read = new Dictionary<string, FloatTensor>();
        var weights = new Dictionary<string, FloatTensor>();
        foreach ((string name, Shape shape) in graph.Parameters)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (used.Contains(name))
                read[name] = ReadWeight(path, name, shape, stored.GetValueOrDefault(names[name]));
            weights[name] = read.GetValueOrDefault(name) ?? new FloatTensor(shape);
        }
        HashSet<string> weightNames = [.. read.Keys.Select(name => names[name])];
        string digest = FileDigest.Of(
            metadata, proto.Graph ?? new GraphProto(),
            stored.Values.Where(tensor => !weightNames.Contains(tensor.Name)).Select(tensor => Constant(path, tensor)),
            read);
        if (metadata.GetValueOrDefault(ContentDigest.Key) != digest)
        {
            throw new BitisException(
                "this is not what was written (the SHA-256 differs): the file was damaged, or changed by another tool. "
                + MakeAgain);
        }
        string[] notices = read.Count == weights.Count
            ? []
            : [$"{path}: parameters that the answer does not depend on, such as those of a head for training, are not "
                + "in the file. They are 0."];
        return VisionModel.FromDescription(description, graph, weights, path, notices);
    }

    private static FloatTensor ReadWeight(string path, string name, Shape shape, TensorProto? tensor)
    {
        if (tensor is null)
            throw new BitisException($"the weight '{name}' is missing. {MakeAgain}");
        if (tensor.DataType != (int)DataType.Float || !tensor.Dims.SequenceEqual(shape.Select(size => (long)size)))
        {
            throw new BitisException(
                $"the weight '{name}' is not float32 {shape}, as the architecture says. {MakeAgain}");
        }
        FloatTensor weight = FloatTensor.Uninitialized(shape);
        Span<byte> bytes = MemoryMarshal.AsBytes(weight.Span);
        if (tensor.DataLocation == DataLocation.External)
            ReadOutside(path, name, tensor, bytes);
        else if (tensor.RawData.Length == bytes.Length)
            tensor.RawData.Span.CopyTo(bytes);
        else
            throw new BitisException($"the weight '{name}' has {tensor.RawData.Length} bytes. {MakeAgain}");
        return Checkpoint.FindNonFinite(weight) is { } index
            ? throw new BitisException(
                $"the weight '{name}' holds {weight.Span[index]} at element {index}; expected finite numbers.")
            : weight;
    }

    /// <summary>A tensor that is no weight, with its bytes.</summary>
    private static GraphTensor Constant(string path, TensorProto tensor)
    {
        if (tensor.DataLocation != DataLocation.External)
            return new GraphTensor(tensor, tensor.RawData.Memory);
        if (!int.TryParse(Entry(tensor, "length"), CultureInfo.InvariantCulture, out int length)
            || length is < 0 or > MostConstantBytes)
        {
            throw new BitisException($"the length of '{tensor.Name}' in a second file is damaged. {MakeAgain}");
        }
        var bytes = new byte[length];
        ReadOutside(path, tensor.Name, tensor, bytes);
        return new GraphTensor(tensor, bytes);
    }

    /// <summary>Reads a tensor of the second file, which lies beside the first.</summary>
    private static void ReadOutside(string path, string name, TensorProto tensor, Span<byte> bytes)
    {
        string? file = Entry(tensor, "location");
        bool isBeside = file is not null && file == Path.GetFileName(file);
        if (!isBeside || !long.TryParse(Entry(tensor, "offset"), CultureInfo.InvariantCulture, out long offset)
            || offset < 0)
        {
            throw new BitisException($"the place of the weight '{name}' in a second file is damaged. {MakeAgain}");
        }
        string data = Path.Combine(Path.GetDirectoryName(path) ?? "", file!);
        InputPath.RequireFile(data, "the file with the model's weights");
        try
        {
            using FileStream stream = File.OpenRead(data);
            stream.Position = offset;
            stream.ReadExactly(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException(
                $"the file '{file}' with the weights must lie beside it, and cannot be read: {SystemMessage.Of(e)}.",
                e);
        }
    }

    private static string? Entry(TensorProto tensor, string key) =>
        tensor.ExternalData.FirstOrDefault(entry => entry.Key == key)?.Value;
}
