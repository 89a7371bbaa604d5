using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Graphs;
using Bitis.Onnx.Writing;
using Bitis.Tensors;
using Google.Protobuf;
using Onnx;

namespace Bitis.Onnx.Exporting;

/// <summary>The SHA-256 of a file's metadata, operators and weights.</summary>
/// <remarks>
/// By it, damage is found when the file is opened again. It covers the operators, which are not read then: without it,
/// a file that another tool has changed would open as the model that it was.
/// </remarks>
internal static class FileDigest
{
    /// <summary>The key under which the operators count as metadata.</summary>
    private const string Operators = "operators";

    /// <summary>The names under which a model's parameters are in its file.</summary>
    public static IReadOnlyDictionary<string, string> StoredNames(Graph graph)
    {
        var names = new NameScope();
        return graph.Parameters.Select(parameter => parameter.Name).ToDictionary(name => name, names.Take);
    }

    /// <summary>The digest of a file.</summary>
    /// <param name="metadata">What the file says about its model.</param>
    /// <param name="graph">Its operators.</param>
    /// <param name="constants">Its tensors that are no weights.</param>
    /// <param name="weights">The weights, by the names of the checkpoint.</param>
    public static string Of(
        IReadOnlyDictionary<string, string> metadata, GraphProto graph, IEnumerable<GraphTensor> constants,
        IReadOnlyDictionary<string, FloatTensor> weights) =>
        ContentDigest.Of(
            new Dictionary<string, string>(metadata) { [Operators] = Of(graph, constants) },
            weights.Select(pair => new SafetensorsTensor(
                pair.Key, DType.Float32, pair.Value.Shape, MemoryMarshal.AsBytes(pair.Value.Span).ToArray())));

    private static string Of(GraphProto graph, IEnumerable<GraphTensor> constants)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (IMessage message in graph.Node.Concat<IMessage>(graph.Input).Concat(graph.Output))
            Append(hash, message.ToByteArray());
        foreach (GraphTensor constant in constants.OrderBy(constant => constant.Proto.Name, StringComparer.Ordinal))
        {
            Append(hash, Encoding.UTF8.GetBytes(constant.Proto.Name));
            Append(hash, MemoryMarshal.AsBytes<long>([constant.Proto.DataType, .. constant.Proto.Dims]));
            Append(hash, constant.Bytes.Span);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
