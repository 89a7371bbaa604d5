using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Quantization.Files;

/// <summary>Reads and writes the quantized scans of a <c>.bitis</c> file (docs/file-format.md).</summary>
/// <remarks>
/// Each has
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
/// The metadata hold its bits and the spacing of the levels of Ā. They also say whether Δ's levels are spaced before
/// its softplus, and whether h's rounding is dithered.
/// </remarks>
internal static class QuantizedScanFile
{
    /// <summary>The entry of the metadata that lists the scans.</summary>
    public const string ScansKey = "scans";

    /// <summary>The description of scans for the metadata.</summary>
    public static string Describe(IReadOnlyDictionary<string, QuantizedScan> scans) => JsonSerializer.Serialize(
        scans.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(
            pair => pair.Key,
            pair =>
                new ScanDescription(
                    pair.Value.U.Bits, pair.Value.Decay, pair.Value.Delta.IsBeforeSoftplus,
                    pair.Value.HiddenState.IsDithered)),
        QuantizedModelJson.Default.DictionaryStringScanDescription);

    /// <summary>The tensors of scans.</summary>
    public static IEnumerable<SafetensorsTensor> TensorsOf(
        IReadOnlyDictionary<string, QuantizedScan> scans, Graph graph)
    {
        foreach ((string name, QuantizedScan scan) in scans.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            ScanSize shape = graph[name].Operator.ScanSize!;
            HiddenStateQuantizer hidden = scan.HiddenState;
            yield return Floats($"{name}.u_scale", scan.U.Scales.ToArray());
            yield return new(
                $"{name}.u_zero_point", DType.UInt8, [scan.U.Scales.Length],
                Array.ConvertAll(scan.U.ZeroPoints.ToArray(), zero => (byte)zero));
            yield return Floats($"{name}.delta_grid", [scan.Delta.Scale, scan.Delta.Lowest]);
            yield return Floats($"{name}.b_scale", scan.B.Scales.ToArray());
            yield return Floats($"{name}.c_scale", scan.C.Scales.ToArray());
            yield return new(
                $"{name}.rate_code", DType.Int8, [shape.Channels, shape.States],
                MemoryMarshal.AsBytes(scan.RateCodes.AsSpan()).ToArray());
            yield return new(
                $"{name}.hidden_group_start", DType.Int32, [hidden.GroupStarts.Count],
                MemoryMarshal.AsBytes(hidden.GroupStarts.ToArray().AsSpan()).ToArray());
            yield return Floats($"{name}.hidden_group_scale", [.. hidden.GroupScales]);
            yield return Floats($"{name}.hidden_channel_scale", [.. hidden.ChannelScales]);
        }
    }

    /// <summary>Reads the scans of a file; files of scope linear have none.</summary>
    /// <exception cref="BitisException">The scans do not fit the model.</exception>
    public static Dictionary<string, QuantizedScan> Read(TensorDirectory tensors, Graph graph)
    {
        var scans = new Dictionary<string, QuantizedScan>();
        if (!tensors.Metadata.ContainsKey(ScansKey))
            return scans;
        Dictionary<string, Node> nodes = graph.Nodes.ToDictionary(node => node.Name);
        foreach ((string name, ScanDescription description) in
            MetadataJson.Read(tensors.Metadata, ScansKey, QuantizedModelJson.Default.DictionaryStringScanDescription))
        {
            if (!nodes.TryGetValue(name, out Node? node) || node.Operator.ScanSize is not { } scan)
                throw new BitisException($"'{name}' is a quantized scan in this file, but the model has no such scan.");
            try
            {
                scans.Add(name, Read(tensors, name, description, scan, node.Shape[0]));
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException)
            {
                throw new BitisException($"the scan '{name}' does not fit together: {e.Message}", e);
            }
        }
        return scans;
    }

    /// <summary>Throws if a scan's skip term could leave the range of float32 because of its scales alone.</summary>
    /// <exception cref="BitisException">The skip term could; the message names the tensors.</exception>
    public static void RequireFiniteSkips(
        IReadOnlyDictionary<string, QuantizedScan> scans, Graph graph, IReadOnlyDictionary<string, FloatTensor> weights)
    {
        foreach ((string name, QuantizedScan scan) in scans)
        {
            string skip = graph[name].ParameterNames[1]; // D
            double largest = 0;
            foreach (float d in weights[skip].Span)
                largest = Math.Max(largest, Math.Abs(d));
            if (!IsFloat(largest * TensorPrimitives.Max(scan.U.Scales) * scan.U.MaxLevel))
                throw new BitisException($"tensors '{skip}' and '{name}.u_scale' multiply to more than float32 holds.");
        }
    }

    private static QuantizedScan Read(
        TensorDirectory tensors, string name, ScanDescription description, ScanSize shape, int tokens)
    {
        int bits = description.Bits;
        if (bits is < UniformQuantizer.MinBits or > UniformQuantizer.MaxBits)
        {
            throw new BitisException(
                $"the scan '{name}' has {DisplayText.Count(bits, "bit")}; "
                + $"expected {UniformQuantizer.MinBits} to {UniformQuantizer.MaxBits}.");
        }
        float[] u = ReadScales(tensors, $"{name}.u_scale", shape.Channels);
        int[] zeros = tensors.ZeroPoints($"{name}.u_zero_point", [u.Length], bits);
        DeltaQuantizer delta = ReadDelta(tensors, $"{name}.delta_grid", bits, description.IsDeltaBeforeSoftplus);
        float[] b = ReadScales(tensors, $"{name}.b_scale", tokens), c = ReadScales(tensors, $"{name}.c_scale", tokens);
        byte[] rates = tensors.Bytes($"{name}.rate_code", DType.Int8, [shape.Channels, shape.States]);
        Shape groups = tensors.VectorShape($"{name}.hidden_group_start", tokens);
        byte[] starts = tensors.Bytes($"{name}.hidden_group_start", DType.Int32, groups);
        float[] groupScales = tensors.Scales($"{name}.hidden_group_scale", groups);
        float[] channelScales = ReadScales(tensors, $"{name}.hidden_channel_scale", shape.Channels);
        int[] firstTokens =
        [
            .. Enumerable.Range(0, groups[0]).Select(
                i => BinaryPrimitives.ReadInt32LittleEndian(starts.AsSpan(i * sizeof(int)))),
        ];
        var scan = new QuantizedScan(
            UniformQuantizer.Asymmetric(bits, u.Length == 1 ? Granularity.PerTensor : Granularity.PerChannel, u, zeros),
            delta,
            UniformQuantizer.Symmetric(bits, b.Length == 1 ? Granularity.PerTensor : Granularity.PerToken, b),
            UniformQuantizer.Symmetric(bits, c.Length == 1 ? Granularity.PerTensor : Granularity.PerToken, c),
            description.Decay,
            new HiddenStateQuantizer(
                bits, tokens, firstTokens, groupScales, channelScales, description.IsHiddenStateDithered),
            MemoryMarshal.Cast<byte, sbyte>(rates).ToArray());
        RequireFiniteProducts(name, scan, shape);
        return scan;
    }

    private static DeltaQuantizer ReadDelta(TensorDirectory tensors, string name, int bits, bool isBeforeSoftplus)
    {
        float[] values = tensors.Floats(name, [2]).Span.ToArray();
        if (!isBeforeSoftplus && values[1] != 0)
        {
            throw new BitisException(
                $"tensor '{name}' has a lowest level of {values[1]}; levels after the softplus begin at 0.");
        }

        try
        {
            return isBeforeSoftplus
                ? DeltaQuantizer.BeforeSoftplus(bits, values[0], values[1])
                : DeltaQuantizer.AfterSoftplus(bits, values[0]);
        }
        catch (ArgumentException e)
        {
            throw new BitisException($"tensor '{name}': {e.Message}", e);
        }
    }

    /// <summary>
    /// Throws if a factor of a scan could leave the range of float32 (formulas: <see cref="QuantizedScan"/>).
    /// </summary>
    private static void RequireFiniteProducts(string name, QuantizedScan scan, ScanSize shape)
    {
        HiddenStateQuantizer hidden = scan.HiddenState;
        double smallestGroup = hidden.GroupScales.Min(), largestGroup = hidden.GroupScales.Max();
        double b = TensorPrimitives.Max(scan.B.Scales), c = TensorPrimitives.Max(scan.C.Scales);
        Require(-(double)short.MinValue * largestGroup / smallestGroup, "hidden_group_scale");
        for (int channel = 0; channel < shape.Channels; channel++)
        {
            double u = scan.U.Scales[QuantizedScan.GroupOf(scan.U, channel)],
                unit = (double)hidden.ChannelScale(channel) / (1 << scan.HiddenShift);
            double input = u * scan.Delta.Unit * (1 << (scan.B.Bits - 1)) / (smallestGroup * unit);
            Require(
                input * scan.U.MaxLevel * short.MaxValue * Math.Max(b, 1),
                "u_scale', 'delta_grid', 'b_scale' and 'hidden_group_scale");
            Require(
                largestGroup * unit * shape.States * -short.MinValue * scan.C.MaxLevel * Math.Max(c, 1),
                "hidden_group_scale', 'hidden_channel_scale' and 'c_scale");
        }

        void Require(double largest, string tensors)
        {
            if (!IsFloat(largest))
            {
                throw new BitisException(
                    $"the numbers of the scan '{name}' multiply to more than float32 holds: its tensors '{tensors}'.");
            }
        }
    }

    private static bool IsFloat(double value) => Math.Abs(value) <= float.MaxValue;

    /// <summary>Reads one scale for all positions, or one for each.</summary>
    private static float[] ReadScales(TensorDirectory tensors, string name, int each)
    {
        Shape shape = tensors.VectorShape(name, each);
        return shape == [1] || shape == [each]
            ? tensors.Scales(name, shape)
            : throw new BitisException($"tensor '{name}' has shape {shape}; expected [1] or [{each}].");
    }

    private static SafetensorsTensor Floats(string name, float[] values) =>
        new(name, DType.Float32, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
}
