using Onnx;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Benchmarks.Peer;

/// <summary>
/// Several matrix products of one input, each with random weights of its own; the answer is the first row of each.
/// </summary>
internal static class OnnxProducts
{
    public static ModelProto Float(int m, int k, int n, int count)
    {
        var graph = new OnnxGraph();
        string input = graph.Input(DataType.Float, m, k);
        AddFirstRows(
            graph,
            DataType.Float,
            n,
            [.. Enumerable.Range(0, count).Select(_ => graph.Add("MatMul", [input, graph.Weights(k, n)]))]);
        return graph.Model;
    }

    /// <summary><c>QLinearMatMul</c>: u8 × s8, rescaled to u8.</summary>
    public static ModelProto Integer(int m, int k, int n, int count)
    {
        var graph = new OnnxGraph();
        string input = graph.Input(DataType.Uint8, m, k), scale = graph.Scalar(0.01f), outputScale = graph.Scalar(10f);
        string zero = graph.Scalar((byte)128), weightZero = graph.Scalar((sbyte)0);
        AddFirstRows(graph, DataType.Uint8, n,
        [
            .. Enumerable.Range(0, count).Select(_ => graph.Add(
                "QLinearMatMul",
                [input, scale, zero, graph.IntegerWeights(k, n), scale, weightZero, outputScale, zero])),
        ]);
        return graph.Model;
    }

    private static void AddFirstRows(OnnxGraph graph, DataType type, int n, string[] products)
    {
        string zero = graph.Shape(0), one = graph.Shape(1);
        string rows = graph.Add(
            "Concat", [.. products.Select(product => graph.Add("Slice", [product, zero, one, zero]))], ("axis", 0));
        graph.Output(rows, type, products.Length, n);
    }
}
