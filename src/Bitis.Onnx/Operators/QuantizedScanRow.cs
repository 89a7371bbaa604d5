using Bitis.Graphs;
using Bitis.Onnx.Writing;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Scans;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Onnx.Operators;

/// <summary>Quantized scans by their definition (<see cref="QuantizedScan"/>).</summary>
/// <remarks>
/// ONNX has no shift of signed integers. So hidden states are integers in float64, in which products of 31 bits and
/// their floor are exact.
/// </remarks>
internal static class QuantizedScanRow
{
    private const float Lowest = -32768, Highest = 32767;

    /// <summary>The nodes whose values a quantized scan takes: u, Δ before its softplus, B and C.</summary>
    public static Node[] Inputs(Node node) =>
        [node.Inputs[0], node.Inputs[1].Inputs[0], node.Inputs[2], node.Inputs[3]];

    public static Value Write(ModelWriter model, Node node, QuantizedScan scan)
    {
        GraphWriter onnx = model.Onnx;
        string[] inputs = [.. Inputs(node).Select(model.Plain)];
        int channels = node.Shape[1];
        string u = LevelRows.Centered(onnx, inputs[0], scan.U, node.Shape, behind: 0);
        string delta = DeltaIndices(onnx, inputs[1], scan.Delta);
        string multiples = onnx.Add(
            "Gather", [Table(onnx, scan.Delta.Multiples.Select(multiple => (float)multiple)), delta]);
        string codes = onnx.Add("Gather", [Table(onnx, scan.DeltaCodes.Select(code => (float)code)), delta]);
        string scaled = onnx.Add(
            "Mul", [onnx.Add("Mul", [u, multiples]), OfGroups(onnx, scan, channels, scan.InputFactor)]);
        string v = onnx.Add(
            "Round",
            [
                onnx.Add(
                    "Mul", [scaled, LevelRows.PerGroup(onnx, scan.B, scan.B.Scales, node.Inputs[2].Shape, behind: 0)]),
            ]);
        v = onnx.Add("Clip", [v, onnx.Scalar(Lowest), onnx.Scalar(Highest)]);
        string b = onnx.Add(
            "Mul",
            [
                LevelRows.Centered(onnx, inputs[2], scan.B, node.Inputs[2].Shape, behind: 0),
                onnx.Scalar(1 << (16 - scan.B.Bits)),
            ]);
        string c = LevelRows.Centered(onnx, inputs[3], scan.C, node.Inputs[3].Shape, behind: 0);
        string sums = Loop(model, node, scan, codes, Double(onnx, v), Double(onnx, b), Double(onnx, c));
        string y = onnx.Add(
            "Mul",
            [
                onnx.Add("Mul", [sums, OfGroups(onnx, scan, channels, scan.OutputFactor)]),
                LevelRows.PerGroup(onnx, scan.C, scan.C.Scales, node.Inputs[3].Shape, behind: 0),
            ]);
        ReadOnlySpan<float> d = model.ParameterValues(node, 1).Span;
        var skips = new float[channels];
        for (int e = 0; e < channels; e++)
            skips[e] = scan.SkipFactor(d[e], e);
        return new Value(onnx.Add("Add", [y, onnx.Add("Mul", [u, onnx.Floats(skips, channels)])]));
    }

    /// <summary>The recurrence: <c>h = level(clamp16(Ā ∗ h + v ∗ B))</c>, and Σ h·C as float32.</summary>
    private static string Loop(
        ModelWriter model, Node node, QuantizedScan scan, string codes, string v, string b, string c)
    {
        GraphWriter onnx = model.Onnx;
        (int tokens, int channels) = (node.Shape[0], node.Shape[1]);
        int states = scan.RateCodes.Length / channels;
        string start = Double(onnx, onnx.Add("ConstantOfShape", [model.ShapeWithBatch(v, states, channels)]));
        string rates = onnx.Floats(RatesByState(scan, states, channels), states, channels);
        string decays = onnx.Doubles([.. scan.DecayTable.Select(decay => (double)decay)], scan.DecayTable.Count);
        GraphWriter body = onnx.Body();
        string h = body.BodyInput("h", DataType.Double), stepCodes = body.BodyInput("codes"),
            stepV = body.BodyInput("v", DataType.Double), stepB = body.BodyInput("B", DataType.Double),
            stepC = body.BodyInput("C", DataType.Double);
        var sequences = new List<string>
        {
            model.Unsqueezed(codes, 2), model.Unsqueezed(v, 2), model.Unsqueezed(b, 3), model.Unsqueezed(c, 2),
        };
        var axes = new List<int> { 1, 1, 1, 1 };
        double half = 1 << (scan.HiddenShift - 1);
        if (scan.HiddenState.GroupScales.Count > 1)
            h = Rescaled(body, h, Sequence("rescale", onnx.Floats(Rescales(scan, tokens), tokens)));
        string offset = scan.HiddenState.IsDithered
            ? Sequence("offset", onnx.Doubles(Offsets(scan, tokens, states), tokens, states, 1), DataType.Double)
            : body.Doubles([half]);
        string index = body.Add(
            "Clip",
            [body.Add("Add", [stepCodes, rates]), body.Scalar(0), body.Scalar(QuantizedScan.Codes - 1)]);
        string decay = body.Add("Gather", [decays, body.Add("Cast", [index], ("to", (int)DataType.Int64))]);
        string sum = body.Add("Add", [Product(body, decay, h), Product(body, stepB, stepV)]);
        string next = Level(body, Clamp(body, sum), offset);
        body.BodyOutput(next, DataType.Double);
        body.BodyOutput(
            body.Add("Cast", [body.Add("MatMul", [stepC, next])], ("to", (int)DataType.Float)));
        string[] results = onnx.AddMany(
            "Scan", [start, .. sequences], outputs: 2, ("body", body.Proto), ("num_scan_inputs", sequences.Count),
            ("scan_input_axes", axes.ToArray()), ("scan_output_axes", new[] { 1 }));
        return onnx.Add("Squeeze", [results[1], onnx.Integers(2)]);

        string Sequence(string name, string values, DataType type = DataType.Float)
        {
            sequences.Add(values);
            axes.Add(0);
            return body.BodyInput(name, type);
        }

        string Level(GraphWriter graph, string x, string added)
        {
            double unit = 1 << scan.HiddenShift;
            string steps = graph.Add(
                "Floor", [graph.Add("Mul", [Clamp(graph, graph.Add("Add", [x, added])), graph.Doubles([1 / unit])])]);
            return graph.Add("Mul", [steps, graph.Doubles([unit])]);
        }

        string Rescaled(GraphWriter graph, string state, string factor)
        {
            string floats = graph.Add("Cast", [state], ("to", (int)DataType.Float));
            string rounded = graph.Add("Round", [graph.Add("Mul", [floats, factor])]);
            return Level(graph, Clamp(graph, Double(graph, rounded)), graph.Doubles([half]));
        }
    }

    /// <summary>x ∗ y = ⌊(x·y + 2¹⁴) / 2¹⁵⌋</summary>
    private static string Product(GraphWriter graph, string x, string y)
    {
        string rounded = graph.Add("Add", [graph.Add("Mul", [x, y]), graph.Doubles([1 << 14])]);
        return graph.Add("Floor", [graph.Add("Mul", [rounded, graph.Doubles([1.0 / (1 << 15)])])]);
    }

    private static string Clamp(GraphWriter graph, string x) =>
        graph.Add("Clip", [x, graph.Doubles([Lowest]), graph.Doubles([Highest])]);

    private static string Double(GraphWriter graph, string x) =>
        graph.Add("Cast", [x], ("to", (int)DataType.Double));

    /// <summary>The level of Δ, as an index.</summary>
    private static string DeltaIndices(GraphWriter onnx, string x, DeltaQuantizer delta)
    {
        string value = delta.IsBeforeSoftplus ? x : onnx.Add("Softplus", [x]);
        string steps = onnx.Add(
            "Round",
            [
                onnx.Add(
                    "Mul", [onnx.Add("Sub", [value, onnx.Scalar(delta.Lowest)]), onnx.Scalar(delta.InverseScale)]),
            ]);
        string level = onnx.Add("Clip", [steps, onnx.Scalar(0), onnx.Scalar(delta.MaxLevel)]);
        return onnx.Add("Cast", [level], ("to", (int)DataType.Int64));
    }

    /// <summary>A factor that depends on a token's group and on the channel.</summary>
    private static string OfGroups(GraphWriter onnx, QuantizedScan scan, int channels, Func<int, int, float> factor)
    {
        int groups = scan.HiddenState.GroupScales.Count;
        float[] values = [.. Enumerable.Range(0, groups * channels).Select(i => factor(i / channels, i % channels))];
        string table = onnx.Floats(values, groups, channels);
        if (groups == 1)
            return table;
        long[] tokens = new long[scan.HiddenState.Tokens];
        for (int t = 0; t < tokens.Length; t++)
            tokens[t] = scan.HiddenState.GroupOf(t);
        return onnx.Add("Gather", [table, onnx.Integers(tokens)]);
    }

    private static string Table(GraphWriter onnx, IEnumerable<float> values)
    {
        float[] table = [.. values];
        return onnx.Floats(table, table.Length);
    }

    private static float[] RatesByState(QuantizedScan scan, int states, int channels) =>
        [.. Enumerable.Range(0, states * channels).Select(
            i => (float)scan.RateCodes[(i % channels * states) + (i / channels)])];

    /// <summary>The factor of h before each token: 1 within a group, which changes nothing.</summary>
    private static float[] Rescales(QuantizedScan scan, int tokens)
    {
        HiddenStateQuantizer hidden = scan.HiddenState;
        return
        [
            .. Enumerable.Range(0, tokens).Select(t =>
                t > 0 && hidden.GroupOf(t) != hidden.GroupOf(t - 1) ? scan.Rescale(hidden.GroupOf(t)) : 1),
        ];
    }

    private static double[] Offsets(QuantizedScan scan, int tokens, int states) =>
        [.. Enumerable.Range(0, tokens * states).Select(i => (double)scan.RoundingOffset(i / states, i % states))];
}
