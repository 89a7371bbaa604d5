using Bitis.Onnx.Writing;
using Onnx;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Benchmarks.Peer;

/// <summary>
/// A DeiT (Touvron et al. 2021) in ONNX, with random weights: Tiny has width 192, Small 384. In dynamic INT8, products
/// with weights are what ONNX Runtime's own tool makes of them.
/// </summary>
internal sealed class OnnxDeit
{
    private const int PatchSize = 16, Classes = 1000, Depth = 12, HeadWidth = 64;
    private const float Epsilon = 1e-6f;

    // [tokens, parts, heads, width] to [parts, heads, tokens, width], and back for one part.
    private static readonly int[] PartsFirst = [1, 2, 0, 3], TokensFirst = [0, 2, 1, 3], SwapLast = [0, 1, 3, 2],
        SwapTokens = [0, 2, 1];

    private readonly GraphWriter _graph = RandomGraph.Start();
    private readonly RandomGraph _random;
    private readonly int _width, _tokens;
    private readonly bool _dynamicInt8;

    /// <summary>Builds the model.</summary>
    /// <param name="width">The size of a token.</param>
    /// <param name="imageSize">Pixels on a side; 224 gives 197 tokens, 448 gives 785.</param>
    /// <param name="dynamicInt8">Whether products with weights are in dynamic INT8.</param>
    public OnnxDeit(int width, int imageSize, bool dynamicInt8)
    {
        _random = new RandomGraph(_graph);
        int patches = imageSize / PatchSize * (imageSize / PatchSize);
        (_width, _tokens, _dynamicInt8) = (width, patches + 1, dynamicInt8);
        string image = _graph.Input("input", DataType.Float, 1, 3, imageSize, imageSize);
        string map = _graph.Add(
            "Conv", [image, _random.Weights(width, 3, PatchSize, PatchSize), _random.Weights(width)],
            ("kernel_shape", new[] { PatchSize, PatchSize }), ("strides", new[] { PatchSize, PatchSize }));
        string embedded = _graph.Add(
            "Transpose", [_graph.Add("Reshape", [map, _graph.Integers(1, width, patches)])], ("perm", SwapTokens));
        string tokens = _graph.Add("Concat", [_random.Weights(1, 1, width), embedded], ("axis", 1));
        tokens = _graph.Add("Add", [tokens, _random.Weights(1, _tokens, width)]);
        for (int block = 0; block < Depth; block++)
        {
            tokens = _graph.Add("Add", [tokens, Attention(Norm(tokens))]);
            tokens = _graph.Add("Add", [tokens, Mlp(Norm(tokens))]);
        }
        string first = _graph.Add("Gather", [Norm(tokens), _graph.Integers(0)], ("axis", 1));
        string logits = Linear(_graph.Add("Reshape", [first, _graph.Integers(1, width)]), width, Classes);
        _graph.Output(logits, DataType.Float, 1, Classes);
    }

    public ModelProto Model => RandomGraph.Finish(_graph);

    private string Norm(string x) => _graph.Add(
        "LayerNormalization", [x, _random.Weights(_width), _random.Weights(_width)], ("axis", -1),
        ("epsilon", Epsilon));

    private string Attention(string x)
    {
        int heads = _width / HeadWidth;
        string all = _graph.Add(
            "Reshape", [Linear(x, _width, 3 * _width), _graph.Integers(_tokens, 3, heads, HeadWidth)]);
        string[] parts = _graph.AddMany(
            "Split", [_graph.Add("Transpose", [all], ("perm", PartsFirst))], outputs: 3, ("axis", 0));
        string keys = _graph.Add("Transpose", [parts[1]], ("perm", SwapLast));
        string scores = _graph.Add("Mul", [_graph.Add("MatMul", [parts[0], keys]), _graph.Scalar(0.125f)]);
        string mixed = _graph.Add("MatMul", [_graph.Add("Softmax", [scores], ("axis", -1)), parts[2]]);
        string joined = _graph.Add(
            "Reshape",
            [_graph.Add("Transpose", [mixed], ("perm", TokensFirst)), _graph.Integers(1, _tokens, _width)]);
        return Linear(joined, _width, _width);
    }

    private string Mlp(string x)
    {
        string hidden = Linear(x, _width, 4 * _width);
        string erf = _graph.Add("Erf", [_graph.Add("Div", [hidden, _graph.Scalar(MathF.Sqrt(2))])]);
        string gelu = _graph.Add(
            "Mul", [_graph.Add("Mul", [hidden, _graph.Add("Add", [erf, _graph.Scalar(1f)])]), _graph.Scalar(0.5f)]);
        return Linear(gelu, 4 * _width, _width);
    }

    private string Linear(string x, int inputs, int outputs)
    {
        if (!_dynamicInt8)
        {
            string floats = _graph.Add("MatMul", [x, _random.Weights(inputs, outputs)]);
            return _graph.Add("Add", [floats, _random.Weights(outputs)]);
        }
        string[] quantized = _graph.AddMany("DynamicQuantizeLinear", [x], outputs: 3);
        string sums = _graph.Add(
            "MatMulInteger",
            [quantized[0], _random.IntegerWeights(inputs, outputs), quantized[2], _random.Zero]);
        string scale = _graph.Add("Mul", [quantized[1], _graph.Scalar(0.001f)]);
        string product = _graph.Add("Mul", [_graph.Add("Cast", [sums], ("to", (int)DataType.Float)), scale]);
        return _graph.Add("Add", [product, _random.Weights(outputs)]);
    }
}
