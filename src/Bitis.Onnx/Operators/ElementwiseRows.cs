using Bitis.Graphs;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Onnx.Writing;

namespace Bitis.Onnx.Operators;

/// <summary>Operators that treat all tokens alike: they take maps as they are.</summary>
internal static class ElementwiseRows
{
    private const int FirstOpsetWithGelu = 20;

    public static Value Unary(ModelWriter model, Node node, string op)
    {
        Value x = model.ValueOf(node.Inputs[0]);
        return x with { Name = model.Onnx.Add(op, [x.Name]) };
    }

    public static Value Binary(ModelWriter model, Node node, string op)
    {
        Value x = model.ValueOf(node.Inputs[0]), y = model.ValueOf(node.Inputs[1]);
        return x.Grid == y.Grid
            ? x with { Name = model.Onnx.Add(op, [x.Name, y.Name]) }
            : new Value(model.Onnx.Add(op, [model.Plain(node.Inputs[0]), model.Plain(node.Inputs[1])]));
    }

    public static Value Scale(ModelWriter model, Node node, Scale scale)
    {
        Value x = model.ValueOf(node.Inputs[0]);
        return x with { Name = model.Onnx.Add("Mul", [x.Name, model.Onnx.Scalar(scale.Factor)]) };
    }

    public static Value Silu(ModelWriter model, Node node)
    {
        Value x = model.ValueOf(node.Inputs[0]);
        return x with { Name = model.Onnx.Add("Mul", [x.Name, model.Onnx.Add("Sigmoid", [x.Name])]) };
    }

    /// <summary>The exact form; runtimes recognize the formula of older versions.</summary>
    public static Value Gelu(ModelWriter model, Node node)
    {
        Value x = model.ValueOf(node.Inputs[0]);
        GraphWriter onnx = model.Onnx;
        if (onnx.Opset >= FirstOpsetWithGelu)
            return x with { Name = onnx.Add("Gelu", [x.Name], ("approximate", "none")) };
        string erf = onnx.Add("Erf", [onnx.Add("Div", [x.Name, onnx.Scalar(MathF.Sqrt(2))])]);
        string product = onnx.Add("Mul", [x.Name, onnx.Add("Add", [erf, onnx.Scalar(1)])]);
        return x with { Name = onnx.Add("Mul", [product, onnx.Scalar(0.5f)]) };
    }

    public static Value Slice(ModelWriter model, Node node, SliceChannels slice)
    {
        Value x = model.ValueOf(node.Inputs[0]);
        GraphWriter onnx = model.Onnx;
        long end = (long)slice.Start + slice.Length;
        string axis = onnx.Integers(x.Grid is null ? -1 : 1);
        return x with { Name = onnx.Add("Slice", [x.Name, onnx.Integers(slice.Start), onnx.Integers(end), axis]) };
    }

    public static Value Concat(ModelWriter model, Node node)
    {
        Value[] values = [.. node.Inputs.Select(model.ValueOf)];
        return values.All(value => value.Grid == values[0].Grid)
            ? values[0] with
            {
                Name = model.Onnx.Add(
                    "Concat", [.. values.Select(value => value.Name)], ("axis", values[0].Grid is null ? -1 : 1)),
            }
            : new Value(model.Onnx.Add("Concat", [.. node.Inputs.Select(model.Plain)], ("axis", -1)));
    }

    /// <summary>y = Σₖ g[k]·xₖ with gates <c>[batch, sequences, channels]</c>.</summary>
    public static Value GatedSum(ModelWriter model, Node node)
    {
        GraphWriter onnx = model.Onnx;
        int sequences = node.Inputs.Count - 1;
        string ones = onnx.Integers([.. Enumerable.Repeat(1L, sequences)]);
        string[] gates = onnx.AddMany("Split", [model.Plain(node.Inputs[0]), ones], sequences, ("axis", 1));
        string[] terms =
            [.. gates.Select((gate, k) => onnx.Add("Mul", [model.Plain(node.Inputs[k + 1]), gate]))];
        return new Value(terms.Aggregate((sum, term) => onnx.Add("Add", [sum, term])));
    }
}
