using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Onnx.Writing;

namespace Bitis.Onnx.Operators;

/// <summary>Multi-head self-attention between its projections.</summary>
internal static class AttentionRow
{
    // [batch, tokens, parts, heads, width] to [parts, batch, heads, tokens, width]; one part back to tokens first.
    private static readonly int[] PartsFirst = [2, 0, 3, 1, 4], TokensFirst = [0, 2, 1, 3], SwapLast = [0, 1, 3, 2];

    public static Value Write(ModelWriter model, Node node, Attention attention)
    {
        GraphWriter onnx = model.Onnx;
        int tokens = node.Shape[0];
        string all = onnx.Add(
            "Reshape",
            [model.Plain(node.Inputs[0]), onnx.Integers(0, tokens, 3, attention.Heads, attention.HeadWidth)]);
        string parts = onnx.Add("Transpose", [all], ("perm", PartsFirst));
        string queries = Part(0), keys = onnx.Add("Transpose", [Part(1)], ("perm", SwapLast)), values = Part(2);
        string scores = onnx.Add(
            "Mul", [onnx.Add("MatMul", [queries, keys]), onnx.Scalar(1 / MathF.Sqrt(attention.HeadWidth))]);
        string mixed = onnx.Add("MatMul", [onnx.Add("Softmax", [scores], ("axis", -1)), values]);
        return new Value(onnx.Add(
            "Reshape",
            [onnx.Add("Transpose", [mixed], ("perm", TokensFirst)), onnx.Integers(0, tokens, attention.Width)]));

        string Part(int index) => onnx.Add("Gather", [parts, onnx.Index(index)], ("axis", 0));
    }
}
