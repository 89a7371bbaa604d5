using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Grids;
using Bitis.Onnx.Writing;

namespace Bitis.Onnx.Operators;

/// <summary>Normalizations.</summary>
internal static class NormRows
{
    public static Value LayerNorm(ModelWriter model, Node node, LayerNorm norm) => new(model.Onnx.Add(
        "LayerNormalization",
        [model.Plain(node.Inputs[0]), model.Parameter(node, 0), model.Parameter(node, 1)],
        ("axis", -1), ("epsilon", norm.Epsilon)));

    /// <summary>The formula that runtimes recognize: x / √(mean(x²) + ε) · w.</summary>
    public static Value RmsNorm(ModelWriter model, Node node, RmsNorm norm)
    {
        GraphWriter onnx = model.Onnx;
        string x = model.Plain(node.Inputs[0]);
        string mean = model.Mean(onnx.Add("Pow", [x, onnx.Scalar(2)]), axis: -1, keepsDimension: true);
        string root = onnx.Add("Sqrt", [onnx.Add("Add", [mean, onnx.Scalar(norm.Epsilon)])]);
        return new Value(onnx.Add("Mul", [onnx.Add("Div", [x, root]), model.Parameter(node, 0)]));
    }

    public static Value BatchNorm(ModelWriter model, Node node, BatchNorm norm)
    {
        GraphWriter onnx = model.Onnx;
        Value x = model.ValueOf(node.Inputs[0]);
        string[] parameters = [.. Enumerable.Range(0, 4).Select(i => model.Parameter(node, i))];
        if (x.Grid is not null)
        {
            return x with
            {
                Name = onnx.Add("BatchNormalization", [x.Name, .. parameters], ("epsilon", norm.Epsilon)),
            };
        }
        string deviation = onnx.Add("Sqrt", [onnx.Add("Add", [parameters[3], onnx.Scalar(norm.Epsilon)])]);
        string factor = onnx.Add("Div", [parameters[0], deviation]);
        string offset = onnx.Add("Sub", [parameters[1], onnx.Add("Mul", [parameters[2], factor])]);
        return new Value(onnx.Add("Add", [onnx.Add("Mul", [x.Name, factor]), offset]));
    }

    /// <summary>Groups of channels lie one after the other in the transposed tokens.</summary>
    public static Value GroupNorm(ModelWriter model, Node node, GroupNorm norm)
    {
        GraphWriter onnx = model.Onnx;
        string channels = model.Transposed(model.Plain(node.Inputs[0]));
        string groups = onnx.Add("Reshape", [channels, onnx.Integers(0, norm.Groups, -1)]);
        float[] ones = [.. Enumerable.Repeat(1f, norm.Groups)];
        string normalized = onnx.Add(
            "InstanceNormalization",
            [groups, onnx.Floats(ones, norm.Groups), onnx.Floats(new float[norm.Groups], norm.Groups)],
            ("epsilon", norm.Epsilon));
        string tokens = model.Transposed(onnx.Add("Reshape", [normalized, onnx.Integers(0, norm.Channels, -1)]));
        string scaled = onnx.Add("Mul", [tokens, model.Parameter(node, 0)]);
        return new Value(onnx.Add("Add", [scaled, model.Parameter(node, 1)]));
    }

    public static Value MeanOfNorms(ModelWriter model, Node node, MeanOfNorms norm)
    {
        string[] means =
        [
            .. node.Inputs.Select(input => model.Mean(
                model.Onnx.Add(
                    "LayerNormalization",
                    [model.Plain(input), model.Parameter(node, 0), model.Parameter(node, 1)],
                    ("axis", -1), ("epsilon", norm.Epsilon)),
                axis: 1,
                keepsDimension: true)),
        ];
        return new Value(model.Onnx.Add("Concat", means, ("axis", 1)));
    }
}
