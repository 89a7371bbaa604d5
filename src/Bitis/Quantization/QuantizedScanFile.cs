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
///   {scan}.u_scale               F32 [1] or [channels]
///   {scan}.u_zero_point          U8  as u_scale
///   {scan}.delta_grid            F32 [2]                  the scale and the lowest level of Δ
///   {scan}.b_scale               F32 [1] or [tokens]
///   {scan}.c_scale               F32 [1] or [tokens]
///   {scan}.rate_code             I8  [channels, states]
///   {scan}.hidden_group_start    I32 [groups]
///   {scan}.hidden_group_scale    F32 [groups]
///   {scan}.hidden_channel_scale  F32 [1] or [channels]
/// </code>
/// and in the metadata its bits, the grid of Ā, whether Δ's levels are spread before its softplus, and whether h's rounding is dithered.
/// </summary>
internal static class QuantizedScanFile
{
    /// <summary>The entry of the metadata that lists the scans.</summary>
    public const string ScansKey = "scans";

    /// <summary>What the metadata say of scans.</summary>
    public static string Describe(IReadOnlyDictionary<string, QuantizedScan> scans) => JsonSerializer.Serialize(
        scans.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(pair => pair.Key, pair => new ScanDescription(pair.Value.U.Bits, pair.Value.Decay, pair.Value.Delta.IsBeforeSoftplus, pair.Value.HiddenState.IsDithered)),
        QuantizedModelJson.Default.DictionaryStringScanDescription);

    /// <summary>The tensors of scans.</summary>
    public static IEnumerable<SafetensorsTensor> TensorsOf(IReadOnlyDictionary<string, QuantizedScan> scans, Graph graph)
    {
        foreach ((string name, QuantizedScan scan) in scans.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var shape = (SelectiveScan)graph[name].Operator;
            HiddenStateQuantizer hidden = scan.HiddenState;
            yield return Floats($"{name}.u_scale", scan.U.Scales.ToArray());
            yield return new($"{name}.u_zero_point", DType.UInt8, [scan.U.Scales.Length], Array.ConvertAll(scan.U.ZeroPoints.ToArray(), zero => (byte)zero));
            yield return Floats($"{name}.delta_grid", [scan.Delta.Scale, scan.Delta.Lowest]);
            yield return Floats($"{name}.b_scale", scan.B.Scales.ToArray());
            yield return Floats($"{name}.c_scale", scan.C.Scales.ToArray());
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
        float[] u = ReadVector(file, $"{name}.u_scale", shape.Channels);
        byte[] zeros = QuantizedModelFile.ReadBytes(file, $"{name}.u_zero_point", DType.UInt8, [u.Length]);
        float[] delta = QuantizedModelFile.ReadFloats(file, $"{name}.delta_grid", [2]).Span.ToArray();
        float[] b = ReadVector(file, $"{name}.b_scale", tokens), c = ReadVector(file, $"{name}.c_scale", tokens);
        byte[] rates = QuantizedModelFile.ReadBytes(file, $"{name}.rate_code", DType.Int8, [shape.Channels, shape.States]);
        Shape groups = ShapeOf(file, $"{name}.hidden_group_start", tokens);
        byte[] starts = QuantizedModelFile.ReadBytes(file, $"{name}.hidden_group_start", DType.Int32, groups);
        float[] groupScales = QuantizedModelFile.ReadFloats(file, $"{name}.hidden_group_scale", groups).Span.ToArray();
        float[] channelScales = ReadVector(file, $"{name}.hidden_channel_scale", shape.Channels);
        int[] firstTokens = [.. Enumerable.Range(0, groups[0]).Select(i => BinaryPrimitives.ReadInt32LittleEndian(starts.AsSpan(i * sizeof(int))))];
        try
        {
            return new QuantizedScan(
                UniformQuantizer.Asymmetric(bits, u.Length == 1 ? Granularity.PerTensor : Granularity.PerChannel, u, Array.ConvertAll(zeros, zero => (int)zero)),
                description.IsDeltaBeforeSoftplus ? DeltaQuantizer.BeforeSoftplus(bits, delta[0], delta[1]) : DeltaQuantizer.AfterSoftplus(bits, delta[0]),
                UniformQuantizer.Symmetric(bits, b.Length == 1 ? Granularity.PerTensor : Granularity.PerToken, b),
                UniformQuantizer.Symmetric(bits, c.Length == 1 ? Granularity.PerTensor : Granularity.PerToken, c),
                description.Decay,
                new HiddenStateQuantizer(bits, tokens, firstTokens, groupScales, channelScales, description.IsHiddenStateDithered),
                MemoryMarshal.Cast<byte, sbyte>(rates).ToArray());
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            throw new BitisException($"the scan '{name}' does not fit together: {e.Message}", e);
        }
    }

    /// <summary>One number for all, or one for each.</summary>
    private static float[] ReadVector(Checkpoint file, string name, int each)
    {
        Shape shape = ShapeOf(file, name, each);
        return shape == [1] || shape == [each]
            ? QuantizedModelFile.ReadFloats(file, name, shape).Span.ToArray()
            : throw new BitisException($"tensor '{name}' has shape {shape}; expected [1] or [{each}].");
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
