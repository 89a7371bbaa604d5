using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Onnx.Writing;

namespace Bitis.Onnx.Operators;

/// <summary>Layers with weights.</summary>
internal static class LayerRows
{
    /// <summary>A layer in float32.</summary>
    public static Value Float(ModelWriter model, Node node) => Float(model, node, Of(model, node).Input);

    /// <summary>A layer in float32 with another input.</summary>
    /// <param name="model">The model.</param>
    /// <param name="node">The layer's node.</param>
    /// <param name="input">The input, in the form that the layer takes.</param>
    public static Value Float(ModelWriter model, Node node, string input)
    {
        LayerForm form = Of(model, node);
        string[] parameters = [.. Enumerable.Range(0, node.ParameterNames.Count).Select(i => model.Parameter(node, i))];
        return form.Output(form.Multiply([input, .. parameters]));
    }

    /// <summary>How a layer is written.</summary>
    public static LayerForm Of(ModelWriter model, Node node) => node.Operator switch
    {
        Linear layer => OfLinear(model, node, layer),
        Conv2d layer => OfMap(
            model, model.Plain(node.Inputs[0]), grid: null, layer.KernelSize, layer.Stride, layer.Padding, groups: 1),
        GridConv2d layer => OfMap(
            model, model.Map(node.Inputs[0], layer.Height, layer.Width), (layer.OutHeight, layer.OutWidth),
            layer.KernelSize, layer.Stride, layer.Padding, groups: 1),
        DepthwiseConv2d layer => OfMap(
            model, model.Map(node.Inputs[0], layer.Height, layer.Width), (layer.Height, layer.Width),
            layer.KernelSize, stride: 1, layer.KernelSize / 2, layer.Channels),
        CausalConv1d layer => OfTokens(model, node, layer),
        _ => throw new InvalidOperationException($"{node.Kind} is no layer."),
    };

    /// <summary>The sizes of a node's value.</summary>
    public static IEnumerable<long> SizesOf(Node node) => node.Shape.Select(size => (long)size);

    /// <summary>A product of two matrices with the weights as the checkpoint has them, <c>[out, in]</c>.</summary>
    private static LayerForm OfLinear(ModelWriter model, Node node, Linear linear)
    {
        GraphWriter onnx = model.Onnx;
        return new LayerForm(
            model.Plain(node.Inputs[0]), DimensionsBehind: 0, HasRows: true, Multiply, MultiplyLevels,
            y => new Value(y));

        string Multiply(IReadOnlyList<string> operands)
        {
            bool isVector = node.Shape.Rank == 1;
            string rows = isVector
                ? operands[0]
                : onnx.Add("Reshape", [operands[0], onnx.Integers(-1, linear.InFeatures)]);
            string y = onnx.Add("Gemm", [rows, .. operands.Skip(1)], ("transB", 1));
            return isVector ? y : onnx.Add("Reshape", [y, onnx.Integers([-1, .. SizesOf(node)])]);
        }

        string MultiplyLevels(IReadOnlyList<string> operands) => onnx.Add("MatMulInteger", operands);
    }

    private static LayerForm OfMap(
        ModelWriter model, string input, (int Height, int Width)? grid, int kernel, int stride, int padding, int groups)
    {
        return new LayerForm(
            input, DimensionsBehind: 2, HasRows: false, operands => Convolve("Conv", operands),
            operands => Convolve("ConvInteger", operands), y => new Value(y, grid));

        string Convolve(string op, IReadOnlyList<string> operands) => model.Onnx.Add(
            op, operands, ("kernel_shape", new[] { kernel, kernel }), ("strides", new[] { stride, stride }),
            ("pads", new[] { padding, padding, padding, padding }), ("group", groups));
    }

    /// <summary>A convolution along the tokens, which are transposed for it, and padded in front only.</summary>
    private static LayerForm OfTokens(ModelWriter model, Node node, CausalConv1d conv)
    {
        return new LayerForm(
            model.Transposed(model.Plain(node.Inputs[0])), DimensionsBehind: 1, HasRows: false,
            operands => Convolve("Conv", operands), operands => Convolve("ConvInteger", operands),
            y => new Value(model.Transposed(y)));

        string Convolve(string op, IReadOnlyList<string> operands) => model.Onnx.Add(
            op, operands, ("kernel_shape", new[] { conv.KernelSize }), ("pads", new[] { conv.KernelSize - 1, 0 }),
            ("group", conv.Channels));
    }
}
