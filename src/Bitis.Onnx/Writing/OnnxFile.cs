using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using Bitis.Files;
using Bitis.Onnx.Exporting;
using Google.Protobuf;
using Onnx;
using DataLocation = Onnx.TensorProto.Types.DataLocation;

namespace Bitis.Onnx.Writing;

/// <summary>Writes models to files, whole or not at all.</summary>
/// <remarks>
/// A message of protobuf has at most 2 GiB. The tensors of a larger model are in a second file, whose name holds the
/// digest of its bytes. So a model never finds the data of another one, even if the process is killed between the two.
/// </remarks>
internal static class OnnxFile
{
    /// <summary>The most bytes of tensors in the model's own file.</summary>
    public const long MostBytesInside = 2_000_000_000;

    /// <summary>The length from which a tensor may be in the second file; runtimes need shapes before that.</summary>
    private const int SmallestOutside = 1024;

    private const int Alignment = 64;

    /// <summary>Writes a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the writing; no partial file remains.</param>
    /// <param name="mostBytesInside">The most bytes of tensors in the model's own file.</param>
    /// <returns>The length of the files in bytes.</returns>
    /// <exception cref="BitisException">A file cannot be written; the message says why.</exception>
    public static long Write(
        ExportedModel model, string path, CancellationToken cancellationToken, long mostBytesInside = MostBytesInside)
    {
        IReadOnlyList<GraphTensor> tensors = model.Graph.Tensors;
        GraphTensor[] outside = tensors.Sum(tensor => (long)tensor.Bytes.Length) <= mostBytesInside
            ? []
            : [.. tensors.Where(tensor => tensor.Bytes.Length >= SmallestOutside)];
        ModelProto proto = Message(model, [.. tensors.Except(outside)]);
        long length = 0;
        AtomicFile.Write(
            path,
            stream =>
            {
                if (outside.Length > 0)
                    length = WriteData(outside, path, cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
                proto.WriteTo(stream);
                length += proto.CalculateSize();
            },
            cancellationToken);
        return length;
    }

    /// <summary>The message of a model, with all tensors in it.</summary>
    internal static ModelProto Message(ExportedModel model) => Message(model, model.Graph.Tensors);

    private static ModelProto Message(ExportedModel model, IReadOnlyList<GraphTensor> inside)
    {
        foreach (GraphTensor tensor in inside)
            tensor.Proto.RawData = UnsafeByteOperations.UnsafeWrap(tensor.Bytes);
        var proto = new ModelProto
        {
            IrVersion = model.Graph.Opset switch { < 19 => 8, < 21 => 9, _ => 10 },
            ProducerName = "Bitis",
            ProducerVersion = typeof(BitisException)
                .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
            Graph = model.Graph.Proto,
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = model.Graph.Opset } },
        };
        proto.Graph.Initializer.Clear();
        proto.Graph.Initializer.Add(model.Graph.Tensors.Select(tensor => tensor.Proto));
        foreach ((string name, int version) in model.Domains)
            proto.OpsetImport.Add(new OperatorSetIdProto { Domain = name, Version = version });
        foreach ((string key, string value) in model.Metadata)
            proto.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        return proto;
    }

    /// <summary>Writes the second file, and tells the tensors where they are in it.</summary>
    private static long WriteData(GraphTensor[] tensors, string path, CancellationToken cancellationToken)
    {
        if (OutputTarget.Resolve(path).IsStream)
        {
            throw BitisException.InFile(
                path,
                "a model of more than 2 GB has two files, which a device or a pipe cannot take; give a file name.");
        }
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (GraphTensor tensor in tensors)
            hash.AppendData(tensor.Bytes.Span);
        string digest = Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
        string name = $"{Path.GetFileName(path)}.{digest}.data";
        long length = 0;
        AtomicFile.Write(
            Path.Combine(Path.GetDirectoryName(path) ?? "", name),
            stream =>
            {
                foreach (GraphTensor tensor in tensors)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    int gap = (int)(-length & (Alignment - 1));
                    stream.Write(new byte[gap]);
                    length += gap;
                    stream.Write(tensor.Bytes.Span);
                    tensor.Proto.DataLocation = DataLocation.External;
                    Describe(tensor, name, length);
                    length += tensor.Bytes.Length;
                }
            },
            cancellationToken);
        return length;
    }

    private static void Describe(GraphTensor tensor, string file, long offset)
    {
        tensor.Proto.ExternalData.Clear();
        foreach ((string key, string value) in ((string, string)[])[
            ("location", file), ("offset", offset.ToString(CultureInfo.InvariantCulture)),
            ("length", tensor.Bytes.Length.ToString(CultureInfo.InvariantCulture))])
        {
            tensor.Proto.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
        }
    }
}
