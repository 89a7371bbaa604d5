using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Onnx.Writing;

namespace Bitis.Onnx.Operators;

/// <summary>The selective scan in float32: <c>hₜ = exp(Δₜ·A)·hₜ₋₁ + Δₜ·Bₜ·uₜ, yₜ = Cₜ·hₜ + D·uₜ</c>.</summary>
internal static class ScanRow
{
    private const string Attention = "com.microsoft::LinearAttention";

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
        string h = Recurrence(model, decay, onnx.Add("Mul", [input, b]), scan.Channels);
        return onnx.Add("Mul", [h, c]);
    }

    /// <summary><c>hₜ = aₜ·hₜ₋₁ + xₜ</c> of <c>[batch, tokens, channels]</c>.</summary>
    private static string Recurrence(ModelWriter model, string decay, string input, int channels)
    {
        GraphWriter onnx = model.Onnx, body = onnx.Body();
        string before = body.BodyInput("h"), stepDecay = body.BodyInput("decay"), stepInput = body.BodyInput("input");
        string h = body.Add("Add", [body.Add("Mul", [stepDecay, before]), stepInput]);
        body.BodyOutput(h);
        body.BodyOutput(body.Add("Identity", [h]));
        return onnx.AddMany(
            "Scan", [Zeros(model, input, channels), decay, input], outputs: 2,
            ("body", body.Proto), ("num_scan_inputs", 2), ("scan_input_axes", new[] { 1, 1 }),
            ("scan_output_axes", new[] { 1 }))[1];
    }

    /// <summary>
    /// One query and one key for all channels, each of which is a value: q = C, k = B, v = Δ·u, decay Δ·A.
    /// </summary>
    private static string LinearAttention(
        ModelWriter model, Node node, SelectiveScan scan, string delta, string input, string b, string c)
    {
        GraphWriter onnx = model.Onnx;
        string products = onnx.Add("Mul", [model.Unsqueezed(delta, 3), Rates(model, node)]);
        int tokens = node.Shape[0];
        string decay = onnx.Add(
            "Reshape", [products, onnx.Integers(0, tokens, (long)scan.Channels * scan.States)]);
        return onnx.AddMany(
            Attention, [c, b, input, "", decay], outputs: 2, ("update_rule", "gated"), ("q_num_heads", 1),
            ("kv_num_heads", scan.Channels), ("scale", 1f))[0];
    }

    private static string Zeros(ModelWriter model, string likeBatchOf, params ReadOnlySpan<long> sizes) =>
        model.Onnx.Add("ConstantOfShape", [model.ShapeWithBatch(likeBatchOf, sizes)]);
}
