using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Onnx.Writing;

namespace Bitis.Onnx.Operators;

/// <summary>The selective scan in float32: <c>hₜ = exp(Δₜ·A)·hₜ₋₁ + Δₜ·Bₜ·uₜ, yₜ = Cₜ·hₜ + D·uₜ</c>.</summary>
internal static class ScanRow
{
    private const string Attention = "LinearAttention", RuntimesAttention = "com.microsoft::" + Attention;

    /// <summary>Sequences of one state that are cut into pieces.</summary>
    private const int ShortestCut = 64;

    public static Value Write(ModelWriter model, Node node, SelectiveScan scan)
    {
        GraphWriter onnx = model.Onnx;
        string u = model.Plain(node.Inputs[0]), delta = model.Plain(node.Inputs[1]), b = model.Plain(node.Inputs[2]),
            c = model.Plain(node.Inputs[3]);
        string input = onnx.Add("Mul", [delta, u]);
        string y = model.Options.UsesLinearAttention ? LinearAttention(model, node, scan, delta, input, b, c)
            : scan.States == 1 ? OneState(model, node, scan, delta, input, b, c)
            : ManyStates(model, node, scan, delta, input, b, c);
        return new Value(onnx.Add("Add", [y, onnx.Add("Mul", [u, model.Parameter(node, 1)])]));
    }

    /// <summary>A = −exp(A_log), <c>[channels, states]</c>.</summary>
    private static string Rates(ModelWriter model, Node node) =>
        model.Onnx.Add("Neg", [model.Onnx.Add("Exp", [model.Parameter(node, 0)])]);

    /// <summary>Everything in the body of the loop; states lie in rows of channels.</summary>
    private static string ManyStates(
        ModelWriter model, Node node, SelectiveScan scan, string delta, string input, string b, string c)
    {
        GraphWriter onnx = model.Onnx;
        string rates = onnx.Add("Transpose", [Rates(model, node)], ("perm", new[] { 1, 0 })); // [states, channels]
        string start = Zeros(model, input, scan.States, scan.Channels);
        GraphWriter body = onnx.Body();
        string before = body.BodyInput("h"), stepDelta = body.BodyInput("delta"), stepInput = body.BodyInput("input"),
            stepB = body.BodyInput("B"), stepC = body.BodyInput("C");
        string decay = body.Add("Exp", [body.Add("Mul", [stepDelta, rates])]);
        string h = body.Add(
            "Add", [body.Add("Mul", [decay, before]), body.Add("Mul", [stepB, stepInput])]);
        body.BodyOutput(h);
        body.BodyOutput(body.Add("MatMul", [stepC, h])); // [batch, 1, states] · [batch, states, channels]
        string[] results = onnx.AddMany(
            "Scan",
            [
                start, model.Unsqueezed(delta, 2), model.Unsqueezed(input, 2), model.Unsqueezed(b, 3),
                model.Unsqueezed(c, 2),
            ],
            outputs: 2,
            ("body", body.Proto), ("num_scan_inputs", 4), ("scan_input_axes", new[] { 1, 1, 1, 1 }),
            ("scan_output_axes", new[] { 1 }));
        return onnx.Add("Squeeze", [results[1], onnx.Integers(2)]);
    }

    /// <summary>Only the recurrence in the body of the loop.</summary>
    private static string OneState(
        ModelWriter model, Node node, SelectiveScan scan, string delta, string input, string b, string c)
    {
        GraphWriter onnx = model.Onnx;
        string rates = onnx.Add("Reshape", [Rates(model, node), onnx.Integers(1, scan.Channels)]);
        string decay = onnx.Add("Exp", [onnx.Add("Mul", [delta, rates])]);
        string h = Recurrence(model, decay, onnx.Add("Mul", [input, b]), node.Shape[0], scan.Channels);
        return onnx.Add("Mul", [h, c]);
    }

    /// <summary><c>hₜ = aₜ·hₜ₋₁ + xₜ</c> of <c>[batch, tokens, channels]</c>.</summary>
    /// <remarks>
    /// A step of a loop costs a runtime far more than its arithmetic. So long sequences are cut into √tokens pieces,
    /// which one loop computes side by side, each from 0. A second loop carries the states from piece to piece. What a
    /// piece begins with reaches its tokens by the product of all decays since:
    /// <code>
    ///   h[piece, i] = fromZero[piece, i] + (a[piece, 0]·…·a[piece, i])·start[piece]
    /// </code>
    /// Decays are at most 1, so nothing grows. There is no division, as in the form with cumulative sums.
    /// </remarks>
    private static string Recurrence(ModelWriter model, string decay, string input, int tokens, int channels)
    {
        GraphWriter onnx = model.Onnx;
        if (tokens < ShortestCut)
            return Loop(model, [Zeros(model, input, channels)], [decay, input], axis: 1, returnsBefore: false)[1];
        int length = (int)Math.Ceiling(Math.Sqrt(tokens)), pieces = (tokens + length - 1) / length;
        string[] cut = [.. new[] { decay, input }.Select(Cut)];
        string zeros = Zeros(model, input, pieces, channels);
        string[] inside = Loop(
            model, [zeros, onnx.Add("Add", [zeros, onnx.Scalar(1)])], cut, axis: 2, returnsBefore: false);
        // The state before each piece: that of the loop, from which the last token of a piece makes the next one.
        string[] between = Loop(
            model, [Zeros(model, input, channels)], [inside[1], inside[0]], axis: 1, returnsBefore: true);
        string carried = onnx.Add("Mul", [inside[3], model.Unsqueezed(between[1], 2)]);
        string h = onnx.Add(
            "Reshape",
            [onnx.Add("Add", [inside[2], carried]), onnx.Integers(0, (long)pieces * length, channels)]);
        return pieces * length == tokens
            ? h
            : onnx.Add("Slice", [h, onnx.Integers(0), onnx.Integers(tokens), onnx.Integers(1)]);

        string Cut(string sequence)
        {
            int missing = (pieces * length) - tokens;
            if (missing > 0)
                sequence = onnx.Add("Pad", [sequence, onnx.Integers(0, 0, 0, 0, missing, 0)]);
            return onnx.Add("Reshape", [sequence, onnx.Integers(0, pieces, length, channels)]);
        }
    }

    /// <summary>A loop of the recurrence.</summary>
    /// <param name="model">The model.</param>
    /// <param name="start">The first state; and 1, if the product of all decays is a state, too.</param>
    /// <param name="sequences">Decays and inputs.</param>
    /// <param name="axis">The dimension of the steps.</param>
    /// <param name="returnsBefore">Whether to give the states before each step; else those after it.</param>
    /// <returns>The last states, then those of each step.</returns>
    private static string[] Loop(
        ModelWriter model, string[] start, string[] sequences, int axis, bool returnsBefore)
    {
        GraphWriter onnx = model.Onnx, body = onnx.Body();
        string[] states = [.. start.Select((_, i) => body.BodyInput(i == 0 ? "h" : "product"))];
        string decay = body.BodyInput("decay"), input = body.BodyInput("input");
        var next = new List<string> { body.Add("Add", [body.Add("Mul", [decay, states[0]]), input]) };
        if (start.Length > 1)
            next.Add(body.Add("Mul", [decay, states[1]]));
        string[] kept =
            [.. (returnsBefore ? [.. states] : next).Select(state => body.Add("Identity", [state]))];
        foreach (string output in (string[])[.. next, .. kept])
            body.BodyOutput(output);
        return onnx.AddMany(
            "Scan", [.. start, .. sequences], start.Length + kept.Length,
            ("body", body.Proto), ("num_scan_inputs", 2), ("scan_input_axes", new[] { axis, axis }),
            ("scan_output_axes", Enumerable.Repeat(axis, kept.Length).ToArray()));
    }

    /// <summary>As an attention: the query is C, the key B, the value Δ·u, the decay Δ·A.</summary>
    /// <remarks>
    /// In ONNX Runtime's operator all channels share one query and one key. The standard one cannot say that: each
    /// channel has a copy.
    /// </remarks>
    private static string LinearAttention(
        ModelWriter model, Node node, SelectiveScan scan, string delta, string input, string b, string c)
    {
        GraphWriter onnx = model.Onnx;
        bool isStandard = onnx.Opset >= OnnxOptions.AttentionOpset;
        string products = onnx.Add("Mul", [model.Unsqueezed(delta, 3), Rates(model, node)]);
        int tokens = node.Shape[0];
        string decay = onnx.Add(
            "Reshape", [products, onnx.Integers(0, tokens, (long)scan.Channels * scan.States)]);
        string query = isStandard ? ForEachChannel(c) : c, key = isStandard ? ForEachChannel(b) : b;
        return onnx.AddMany(
            isStandard ? Attention : RuntimesAttention, [query, key, input, "", decay], outputs: 2,
            ("update_rule", "gated"), ("q_num_heads", isStandard ? scan.Channels : 1), ("kv_num_heads", scan.Channels),
            ("scale", 1f))[0];

        string ForEachChannel(string shared) => onnx.Add("Tile", [shared, onnx.Integers(1, 1, scan.Channels)]);
    }

    private static string Zeros(ModelWriter model, string likeBatchOf, params ReadOnlySpan<long> sizes) =>
        model.Onnx.Add("ConstantOfShape", [model.ShapeWithBatch(likeBatchOf, sizes)]);
}
