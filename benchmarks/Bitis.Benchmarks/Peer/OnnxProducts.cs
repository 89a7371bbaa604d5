using Bitis.Onnx.Writing;
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
        GraphWriter graph = RandomGraph.Start();
        var random = new RandomGraph(graph);
        string input = graph.Input("input", DataType.Float, m, k);
        AddFirstRows(
            graph,
            DataType.Float,
            n,
            [.. Enumerable.Range(0, count).Select(_ => graph.Add("MatMul", [input, random.Weights(k, n)]))]);
        return RandomGraph.Finish(graph);
    }

    /// <summary><c>QLinearMatMul</c>: u8 × s8, rescaled to u8.</summary>
    public static ModelProto Integer(int m, int k, int n, int count)
    {
        GraphWriter graph = RandomGraph.Start();
        var random = new RandomGraph(graph);
        string input = graph.Input("input", DataType.Uint8, m, k), scale = graph.Scalar(0.01f),
            outputScale = graph.Scalar(10f);
        string zero = random.Center, weightZero = random.Zero;
        AddFirstRows(graph, DataType.Uint8, n,
        [
            .. Enumerable.Range(0, count).Select(_ => graph.Add(
                "QLinearMatMul",
                [input, scale, zero, random.IntegerWeights(k, n), scale, weightZero, outputScale, zero])),
        ]);
        return RandomGraph.Finish(graph);
    }

    private static void AddFirstRows(GraphWriter graph, DataType type, int n, string[] products)
    {
        string zero = graph.Integers(0), one = graph.Integers(1);
        string rows = graph.Add(
            "Concat", [.. products.Select(product => graph.Add("Slice", [product, zero, one, zero]))], ("axis", 0));
        graph.Output(rows, type, products.Length, n);
    }
}
