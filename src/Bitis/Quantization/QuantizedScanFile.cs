using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Bitis.Checkpoints;
using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Tensors;

namespace Bitis.Quantization;

/// <summary>
/// The quantized scans of a <c>.bitis</c> file (docs/file-format.md). Each has
/// <code>
///   {scan}.operand_scale         F32 [4]                  of u, Δ, B, C
///   {scan}.u_zero_point          U8  [1]
///   {scan}.rate_code             I8  [channels, states]
///   {scan}.hidden_group_start    I32 [groups]
///   {scan}.hidden_group_scale    F32 [groups]
///   {scan}.hidden_channel_scale  F32 [1] or [channels]
/// </code>
/// and its bits and the grid of Ā in the metadata.
/// </summary>
internal static class QuantizedScanFile
{
    /// <summary>The entry of the metadata that lists the scans.</summary>
    public const string ScansKey = "scans";

    /// <summary>What the metadata say of scans.</summary>
    public static string Describe(IReadOnlyDictionary<string, QuantizedScan> scans) => JsonSerializer.Serialize(
        scans.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(pair => pair.Key, pair => new ScanDescription(pair.Value.U.Bits, pair.Value.Decay)),
        QuantizedModelJson.Default.DictionaryStringScanDescription);

    /// <summary>The tensors of scans.</summary>
    public static IEnumerable<SafetensorsTensor> TensorsOf(IReadOnlyDictionary<string, QuantizedScan> scans, Graph graph)
    {
        foreach ((string name, QuantizedScan scan) in scans.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var shape = (SelectiveScan)graph[name].Operator;
            HiddenStateQuantizer hidden = scan.HiddenState;
            yield return Floats($"{name}.operand_scale", [scan.U.Scales[0], scan.Delta.Scales[0], scan.B.Scales[0], scan.C.Scales[0]]);
            yield return new($"{name}.u_zero_point", DType.UInt8, [1], new[] { (byte)scan.U.ZeroPoints[0] });
            yield return new($"{name}.rate_code", DType.Int8, [shape.Channels, shape.States], MemoryMarshal.AsBytes(scan.RateCodes.AsSpan()).ToArray());
            yield return new($"{name}.hidden_group_start", DType.Int32, [hidden.GroupStarts.Count], MemoryMarshal.AsBytes(hidden.GroupStarts.ToArray().AsSpan()).ToArray());
            yield return Floats($"{name}.hidden_group_scale", [.. hidden.GroupScales]);
            yield return Floats($"{name}.hidden_channel_scale", [.. hidden.ChannelScales]);
        }
    }

    /// <summary>Reads the scans of a file; there are none in files of scope linear.</summary>
    /// <exception cref="BitisException">They do not fit the model.</exception>
    public static Dictionary<string, QuantizedScan> Read(Checkpoint file, Graph graph)
    {
        var scans = new Dictionary<string, QuantizedScan>();
        if (!file.Metadata.ContainsKey(ScansKey))
            return scans;
        foreach ((string name, ScanDescription description) in
            MetadataJson.Read(file.Metadata, ScansKey, QuantizedModelJson.Default.DictionaryStringScanDescription))
        {
            Node? node = graph.Nodes.FirstOrDefault(node => node.Name == name);
            if (node?.Operator is not SelectiveScan scan)
                throw new BitisException($"'{name}' is a quantized scan in this file, but the model has no such scan.");
            scans.Add(name, Read(file, name, description, scan, node.Shape[0]));
        }
        return scans;
    }

    private static QuantizedScan Read(Checkpoint file, string name, ScanDescription description, SelectiveScan shape, int tokens)
    {
        int bits = description.Bits;
        float[] scales = QuantizedModelFile.ReadFloats(file, $"{name}.operand_scale", [4]).Span.ToArray();
        int zero = QuantizedModelFile.ReadBytes(file, $"{name}.u_zero_point", DType.UInt8, [1])[0];
        byte[] rates = QuantizedModelFile.ReadBytes(file, $"{name}.rate_code", DType.Int8, [shape.Channels, shape.States]);
        Shape groups = ShapeOf(file, $"{name}.hidden_group_start", tokens);
        byte[] starts = QuantizedModelFile.ReadBytes(file, $"{name}.hidden_group_start", DType.Int32, groups);
        float[] groupScales = QuantizedModelFile.ReadFloats(file, $"{name}.hidden_group_scale", groups).Span.ToArray();
        Shape channels = ShapeOf(file, $"{name}.hidden_channel_scale", shape.Channels);
        if (channels != [1] && channels != [shape.Channels])
            throw new BitisException($"tensor '{name}.hidden_channel_scale' has shape {channels}; expected [1] or [{shape.Channels}].");
        float[] channelScales = QuantizedModelFile.ReadFloats(file, $"{name}.hidden_channel_scale", channels).Span.ToArray();
        int[] firstTokens = [.. Enumerable.Range(0, groups[0]).Select(i => BinaryPrimitives.ReadInt32LittleEndian(starts.AsSpan(i * sizeof(int))))];
        try
        {
            return new QuantizedScan(
                UniformQuantizer.Asymmetric(bits, Granularity.PerTensor, [scales[0]], [zero]),
                UniformQuantizer.Asymmetric(bits, Granularity.PerTensor, [scales[1]], [0]),
                UniformQuantizer.Symmetric(bits, Granularity.PerTensor, [scales[2]]),
                UniformQuantizer.Symmetric(bits, Granularity.PerTensor, [scales[3]]),
                description.Decay,
                new HiddenStateQuantizer(bits, tokens, firstTokens, groupScales, channelScales),
                MemoryMarshal.Cast<byte, sbyte>(rates).ToArray());
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            throw new BitisException($"the scan '{name}' does not fit together: {e.Message}", e);
        }
    }

    /// <summary>The shape of a vector whose length is not known beforehand, but at most as long as something.</summary>
    private static Shape ShapeOf(Checkpoint file, string name, int longest)
    {
        Shape? shape = file.Entries.FirstOrDefault(entry => entry.Name == name)?.Shape;
        return shape is { Rank: 1 } && shape.Value[0] >= 1 && shape.Value[0] <= longest
            ? shape.Value
            : throw new BitisException($"tensor '{name}' is missing, or not a vector of 1 to {longest} numbers.");
    }

    private static SafetensorsTensor Floats(string name, float[] values) =>
        new(name, DType.Float32, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
}
