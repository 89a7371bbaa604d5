using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Onnx.Writing;

namespace Bitis.Onnx.Operators;

/// <summary>Layers with weights, in float32.</summary>
internal static class LayerRows
{
    /// <summary>A product of two matrices with the weights as the checkpoint has them, <c>[out, in]</c>.</summary>
    public static Value Linear(ModelWriter model, Node node, Linear linear)
    {
        GraphWriter onnx = model.Onnx;
        string x = model.Plain(node.Inputs[0]);
        bool isVector = node.Shape.Rank == 1;
        if (!isVector)
            x = onnx.Add("Reshape", [x, onnx.Integers(-1, linear.InFeatures)]);
        string y = onnx.Add("Gemm", [x, .. Parameters(model, node)], ("transB", 1));
        return new Value(isVector ? y : onnx.Add("Reshape", [y, onnx.Integers([-1, .. SizesOf(node)])]));
    }

    public static Value Conv2d(ModelWriter model, Node node, Conv2d conv) => new(Convolve(
        model, [model.Plain(node.Inputs[0]), .. Parameters(model, node)], conv.KernelSize, conv.Stride, conv.Padding));

    public static Value GridConv2d(ModelWriter model, Node node, GridConv2d conv) => new(
        Convolve(
            model, [model.Map(node.Inputs[0], conv.Height, conv.Width), .. Parameters(model, node)], conv.KernelSize,
            conv.Stride, conv.Padding),
        (conv.OutHeight, conv.OutWidth));

    public static Value DepthwiseConv2d(ModelWriter model, Node node, DepthwiseConv2d conv) => new(
        Convolve(
            model, [model.Map(node.Inputs[0], conv.Height, conv.Width), .. Parameters(model, node)], conv.KernelSize,
            stride: 1, conv.KernelSize / 2, conv.Channels),
        (conv.Height, conv.Width));

    public static Value CausalConv1d(ModelWriter model, Node node, CausalConv1d conv) => new(model.Transposed(
        ConvolveTokens(model, conv, [model.Transposed(model.Plain(node.Inputs[0])), .. Parameters(model, node)])));

    /// <summary>A convolution over maps with square kernels.</summary>
    /// <param name="model">The model.</param>
    /// <param name="operands">The map, the weights, and the bias if there is one.</param>
    /// <param name="kernel">The side of the kernel.</param>
    /// <param name="stride">The distance between kernel positions.</param>
    /// <param name="padding">Zeros around the map.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="op">The operator.</param>
    public static string Convolve(
        ModelWriter model, IReadOnlyList<string> operands, int kernel, int stride, int padding, int groups = 1,
        string op = "Conv") => model.Onnx.Add(
        op, operands, ("kernel_shape", new[] { kernel, kernel }), ("strides", new[] { stride, stride }),
        ("pads", new[] { padding, padding, padding, padding }), ("group", groups));

    /// <summary>A depthwise convolution along transposed tokens, which sees only past ones.</summary>
    public static string ConvolveTokens(ModelWriter model, CausalConv1d conv, IReadOnlyList<string> operands) =>
        model.Onnx.Add(
            "Conv", operands, ("kernel_shape", new[] { conv.KernelSize }),
            ("pads", new[] { conv.KernelSize - 1, 0 }), ("group", conv.Channels));

    /// <summary>The sizes of a node's value.</summary>
    public static IEnumerable<long> SizesOf(Node node) => node.Shape.Select(size => (long)size);

    private static IEnumerable<string> Parameters(ModelWriter model, Node node) =>
        Enumerable.Range(0, node.ParameterNames.Count).Select(i => model.Parameter(node, i));
}
