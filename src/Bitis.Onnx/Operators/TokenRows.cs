using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Onnx.Writing;

namespace Bitis.Onnx.Operators;

/// <summary>Operators that move, insert and leave out tokens.</summary>
internal static class TokenRows
{
    public static Value AddEmbedding(ModelWriter model, Node node) =>
        new(model.Onnx.Add("Add", [model.Plain(node.Inputs[0]), model.Parameter(node, 0)]));

    public static Value Mean(ModelWriter model, Node node) =>
        new(model.Mean(model.Plain(node.Inputs[0]), axis: 1, keepsDimension: false));

    public static Value Select(ModelWriter model, Node node, SelectToken select) => new(model.Onnx.Add(
        "Gather", [model.Plain(node.Inputs[0]), model.Onnx.Index(select.Position)], ("axis", 1)));

    public static Value Reverse(ModelWriter model, Node node)
    {
        int tokens = node.Shape[0];
        return new Value(Gather(
            model, model.Plain(node.Inputs[0]), tokens, [.. Enumerable.Range(0, tokens).Select(t => tokens - 1 - t)]));
    }

    public static Value Arrange(ModelWriter model, Node node, ArrangeTokens arrange) =>
        new(Gather(model, model.Plain(node.Inputs[0]), node.Inputs[0].Shape[0], arrange.Sources));

    public static Value MergePatches(ModelWriter model, Node node, MergePatches merge)
    {
        int[] sources =
        [
            .. Enumerable.Range(0, node.Shape[0] * MergePatchesParts).Select(
                i => merge.Source(i / MergePatchesParts, i % MergePatchesParts) ?? ArrangeTokens.Zeros),
        ];
        string parts = Gather(model, model.Plain(node.Inputs[0]), node.Inputs[0].Shape[0], sources);
        return new Value(model.Onnx.Add("Reshape", [parts, model.Onnx.Integers(-1, node.Shape[0], node.Shape[1])]));
    }

    public static Value Insert(ModelWriter model, Node node, InsertToken insert)
    {
        GraphWriter onnx = model.Onnx;
        string x = model.Plain(node.Inputs[0]);
        int tokens = node.Inputs[0].Shape[0];
        string token = onnx.Add(
            "Expand", [model.Parameter(node, 0), model.ShapeWithBatch(x, 1, node.Shape[1])]);
        if (insert.Position == 0 || insert.Position == tokens)
        {
            return new Value(onnx.Add(
                "Concat", insert.Position == 0 ? [token, x] : [x, token], ("axis", 1)));
        }
        string[] parts = onnx.AddMany(
            "Split", [x, onnx.Integers(insert.Position, tokens - insert.Position)], outputs: 2, ("axis", 1));
        return new Value(onnx.Add("Concat", [parts[0], token, parts[1]], ("axis", 1)));
    }

    /// <summary>y = x·cos φ + x'·sin φ, where x' has the two channels of each pair exchanged.</summary>
    public static Value Rotate(ModelWriter model, Node node, RotaryPositions rotary)
    {
        GraphWriter onnx = model.Onnx;
        int tokens = node.Shape[0], channels = node.Shape[1];
        string x = model.Plain(node.Inputs[0]);
        var cos = new float[tokens * channels];
        var sin = new float[tokens * channels];
        float[] first = [.. Enumerable.Range(0, channels).Select(c => c % 2 == 0 ? 1f : 0f)];
        var turned = new float[channels];
        for (int t = 0; t < tokens; t++)
        {
            rotary.Turn(first, t, turned, isBack: false); // (1, 0) becomes (cos φ, sin φ)
            for (int c = 0; c < channels; c += 2)
            {
                int i = (t * channels) + c;
                (cos[i], cos[i + 1], sin[i], sin[i + 1]) = (turned[c], turned[c], -turned[c + 1], turned[c + 1]);
            }
        }
        string pairs = onnx.Add("Reshape", [x, onnx.Integers(0, tokens, channels / 2, 2)]);
        string exchanged = onnx.Add(
            "Reshape",
            [onnx.Add("Gather", [pairs, onnx.Integers(1, 0)], ("axis", 3)), onnx.Integers(0, tokens, channels)]);
        return new Value(onnx.Add(
            "Add",
            [
                onnx.Add("Mul", [x, onnx.Floats(cos, tokens, channels)]),
                onnx.Add("Mul", [exchanged, onnx.Floats(sin, tokens, channels)]),
            ]));
    }

    /// <summary>Four tokens become one.</summary>
    private const int MergePatchesParts = Bitis.Graphs.Operators.Tokens.MergePatches.Parts;

    /// <summary>Tokens by index. What has no source is read from a token of zeros behind the last one.</summary>
    private static string Gather(ModelWriter model, string x, int tokens, IReadOnlyList<int> sources)
    {
        GraphWriter onnx = model.Onnx;
        if (sources.Contains(ArrangeTokens.Zeros))
            x = onnx.Add("Pad", [x, onnx.Integers(0, 0, 0, 0, 1, 0)]);
        long[] indices = [.. sources.Select(source => source == ArrangeTokens.Zeros ? tokens : (long)source)];
        return onnx.Add("Gather", [x, onnx.Integers(indices)], ("axis", 1));
    }
}
