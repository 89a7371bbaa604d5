using static Bitis.Benchmarks.Peer.OnnxGraph;

namespace Bitis.Benchmarks.Peer;

/// <summary>The models that ONNX Runtime is measured with; random weights.</summary>
internal static class OnnxModels
{
    private const int Tokens = 197, ImageSize = 224, PatchSize = 16, Classes = 1000, Depth = 12, HeadWidth = 64;
    private const float Epsilon = 1e-6f;

    // [tokens, parts, heads, width] to [parts, heads, tokens, width], and back for one part.
    private static readonly int[] PartsFirst = [1, 2, 0, 3], TokensFirst = [0, 2, 1, 3], SwapLast = [0, 1, 3, 2],
        SwapTokens = [0, 2, 1];

    /// <summary>
    /// Several float32 products of one input, each with weights of its own; the answer is the first row of each.
    /// </summary>
    public static void WriteFloatGemms(string path, int m, int k, int n, int count)
    {
        var graph = new OnnxGraph();
        string input = graph.Input(Float32, m, k);
        FirstRows(
            graph,
            Float32,
            n,
            [.. Enumerable.Range(0, count).Select(_ => graph.Add("MatMul", [input, graph.Weights(k, n)]))]);
        graph.Save(path);
    }

    /// <summary>The same with 8-bit integers, <c>QLinearMatMul</c>: u8 × s8, rescaled to u8.</summary>
    public static void WriteIntegerGemms(string path, int m, int k, int n, int count)
    {
        var graph = new OnnxGraph();
        string input = graph.Input(UInt8, m, k), scale = graph.Scalar(0.01f), outputScale = graph.Scalar(10f);
        string zero = graph.Scalar(UInt8, 128), weightZero = graph.Scalar(Int8, 0);
        FirstRows(graph, UInt8, n,
        [
            .. Enumerable.Range(0, count).Select(_ => graph.Add(
                "QLinearMatMul", [input, scale, zero, graph.Bytes(Int8, k, n), scale, weightZero, outputScale, zero])),
        ]);
        graph.Save(path);
    }

    /// <summary>A DeiT (Touvron et al. 2021) of a width: Tiny has 192, Small 384.</summary>
    /// <param name="path">The file.</param>
    /// <param name="width">The size of a token.</param>
    /// <param name="dynamicInt8">Whether products with weights are in dynamic INT8, as ONNX Runtime's own tool makes
    /// them.</param>
    public static void WriteDeit(string path, int width, bool dynamicInt8)
    {
        var graph = new OnnxGraph();
        string image = graph.Input(Float32, 1, 3, ImageSize, ImageSize);
        string map = graph.Add(
            "Conv", [image, graph.Weights(width, 3, PatchSize, PatchSize), graph.Weights(width)],
            ("kernel_shape", new[] { PatchSize, PatchSize }), ("strides", new[] { PatchSize, PatchSize }));
        string patches = graph.Add(
            "Transpose", [graph.Add("Reshape", [map, graph.Shape(1, width, Tokens - 1)])], ("perm", SwapTokens));
        string tokens = graph.Add("Concat", [graph.Weights(1, 1, width), patches], ("axis", 1));
        tokens = graph.Add("Add", [tokens, graph.Weights(1, Tokens, width)]);
        for (int block = 0; block < Depth; block++)
        {
            tokens = graph.Add("Add", [tokens, Attention(graph, Norm(graph, tokens, width), width, dynamicInt8)]);
            tokens = graph.Add("Add", [tokens, Mlp(graph, Norm(graph, tokens, width), width, dynamicInt8)]);
        }
        string first = graph.Add("Gather", [Norm(graph, tokens, width), graph.Shape(0)], ("axis", 1));
        string logits = Linear(
            graph, graph.Add("Reshape", [first, graph.Shape(1, width)]), width, Classes, dynamicInt8);
        graph.Output(logits, Float32, 1, Classes);
        graph.Save(path);
    }

    private static void FirstRows(OnnxGraph graph, int type, int n, string[] products)
    {
        string zero = graph.Shape(0), one = graph.Shape(1);
        string rows = graph.Add(
            "Concat", [.. products.Select(product => graph.Add("Slice", [product, zero, one, zero]))], ("axis", 0));
        graph.Output(rows, type, products.Length, n);
    }

    private static string Norm(OnnxGraph graph, string x, int width) =>
        graph.Add(
            "LayerNormalization", [x, graph.Weights(width), graph.Weights(width)], ("axis", -1), ("epsilon", Epsilon));

    private static string Attention(OnnxGraph graph, string x, int width, bool dynamicInt8)
    {
        int heads = width / HeadWidth;
        string all = graph.Add(
            "Reshape", [Linear(graph, x, width, 3 * width, dynamicInt8), graph.Shape(Tokens, 3, heads, HeadWidth)]);
        string[] parts = graph.Add(
            "Split", [graph.Add("Transpose", [all], ("perm", PartsFirst))], outputs: 3, ("axis", 0));
        string keys = graph.Add("Transpose", [parts[1]], ("perm", SwapLast));
        string scores = graph.Add("Mul", [graph.Add("MatMul", [parts[0], keys]), graph.Scalar(0.125f)]);
        string mixed = graph.Add("MatMul", [graph.Add("Softmax", [scores], ("axis", -1)), parts[2]]);
        string joined = graph.Add(
            "Reshape", [graph.Add("Transpose", [mixed], ("perm", TokensFirst)), graph.Shape(1, Tokens, width)]);
        return Linear(graph, joined, width, width, dynamicInt8);
    }

    private static string Mlp(OnnxGraph graph, string x, int width, bool dynamicInt8)
    {
        string hidden = Linear(graph, x, width, 4 * width, dynamicInt8);
        string erf = graph.Add("Erf", [graph.Add("Div", [hidden, graph.Scalar(MathF.Sqrt(2))])]);
        string gelu = graph.Add(
            "Mul", [graph.Add("Mul", [hidden, graph.Add("Add", [erf, graph.Scalar(1f)])]), graph.Scalar(0.5f)]);
        return Linear(graph, gelu, 4 * width, width, dynamicInt8);
    }

    private static string Linear(OnnxGraph graph, string x, int inputs, int outputs, bool dynamicInt8)
    {
        if (!dynamicInt8)
            return graph.Add("Add", [graph.Add("MatMul", [x, graph.Weights(inputs, outputs)]), graph.Weights(outputs)]);
        string[] quantized = graph.Add("DynamicQuantizeLinear", [x], outputs: 3);
        string sums = graph.Add(
            "MatMulInteger", [quantized[0], graph.Bytes(Int8, inputs, outputs), quantized[2], graph.Scalar(Int8, 0)]);
        string scale = graph.Add("Mul", [quantized[1], graph.Scalar(0.001f)]);
        string product = graph.Add("Mul", [graph.Add("Cast", [sums], ("to", Float32)), scale]);
        return graph.Add("Add", [product, graph.Weights(outputs)]);
    }
}
