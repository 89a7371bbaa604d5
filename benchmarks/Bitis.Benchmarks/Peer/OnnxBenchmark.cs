using Bitis.Onnx.Exporting;
using Bitis.Onnx.Writing;
using Bitis.Tensors;
using Onnx;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Benchmarks.Peer;

/// <summary>Exported models in ONNX Runtime against Bitis, on one thread; and forms of a quantized product.</summary>
internal static class OnnxBenchmark
{
    private const int Tokens = 197, Inputs = 384, Outputs = 768;

    private static readonly string[] FormNames =
    [
        "MatMul in float32", "MatMulInteger, one scale", "MatMulInteger, a scale for each row",
        "QuantizeLinear, DequantizeLinear, MatMul",
    ];

    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(60);

    /// <summary>Measures a variant with random weights.</summary>
    public static void Run(string variant)
    {
        VisionModel model = RandomModel.Create(variant);
        FloatTensor image = RandomModel.Images(model, 1);
        var options = new SessionOptions { Threads = 1 };
        Console.WriteLine($"| {variant}, one image on one thread, ms | Bitis | ONNX Runtime | ratio |");
        Console.WriteLine("|---|---|---|---|");
        using (var session = InferenceSession.Create(model, options))
        {
            Compare("float32", session, FloatExport.Build(model, new OnnxOptions()));
            Compare(
                "float32, LinearAttention", session,
                FloatExport.Build(model, new OnnxOptions { UsesLinearAttention = true }));
        }
        QuantizedModel quantized = RandomModel.Quantize(model, "w8a8", Scope.Linear);
        using (var session = InferenceSession.Create(quantized, options))
            Compare("w8a8 linear", session, QuantizedExport.Build(quantized, new OnnxOptions()));

        void Compare(string name, InferenceSession session, ExportedModel exported)
        {
            using var runtime = new OnnxRuntime(OnnxFile.Message(exported), threads: 1);
            double[] seconds = Alternating.Seconds(Slice, () => session.Run(image), runtime.Run);
            Console.WriteLine(
                $"| {name} | {seconds[0] * 1e3:F1} | {seconds[1] * 1e3:F1} | {seconds[1] / seconds[0]:F1} |");
        }
    }

    /// <summary>Measures the forms in which a product of levels can be written.</summary>
    public static void RunForms()
    {
        using var floats = new OnnxRuntime(Product(Form.Float), threads: 1);
        using var integers = new OnnxRuntime(Product(Form.MatMulInteger), threads: 1);
        using var rows = new OnnxRuntime(Product(Form.MatMulIntegerByRow), threads: 1);
        using var pairs = new OnnxRuntime(Product(Form.QuantizeDequantize), threads: 1);
        double[] seconds = Alternating.Seconds(Slice, floats.Run, integers.Run, rows.Run, pairs.Run);
        Console.WriteLine($"| {Tokens}×{Inputs}×{Outputs}, one thread, µs | ONNX Runtime |");
        Console.WriteLine("|---|---|");
        foreach ((string name, double time) in FormNames.Zip(seconds))
            Console.WriteLine($"| {name} | {time * 1e6:F0} |");
    }

    private static ModelProto Product(Form form)
    {
        GraphWriter graph = RandomGraph.Start();
        var random = new RandomGraph(graph);
        string x = graph.Input("input", DataType.Float, 1, Tokens, Inputs), scale = graph.Scalar(0.02f);
        string weights = random.IntegerWeights(Inputs, Outputs), scales = random.Weights(Outputs);
        string y = form switch
        {
            Form.Float => graph.Add("MatMul", [x, random.Weights(Inputs, Outputs)]),
            Form.QuantizeDequantize => graph.Add(
                "MatMul",
                [
                    graph.Add(
                        "DequantizeLinear",
                        [graph.Add("QuantizeLinear", [x, scale, random.Center]), scale, random.Center]),
                    graph.Add("DequantizeLinear", [weights, scales], ("axis", 1)),
                ]),
            Form.MatMulInteger => Rescaled([Levels(random.Center), weights, random.Center], scales),
            _ => Rescaled(
                [Levels(random.Center), weights], random.Weights(Tokens, Outputs), random.Totals(Tokens, Outputs)),
        };
        graph.Output(graph.Add("Add", [y, random.Weights(Outputs)]), DataType.Float, 1, Tokens, Outputs);
        return RandomGraph.Finish(graph);

        string Levels(string zero) =>
            graph.Add("QuantizeLinear", [graph.Add("Mul", [x, graph.Scalar(50)]), graph.Scalar(1), zero]);

        string Rescaled(string[] operands, string factors, string? totals = null)
        {
            string sums = graph.Add("MatMulInteger", operands);
            sums = totals is null ? sums : graph.Add("Sub", [sums, totals]);
            return graph.Add("Mul", [graph.Add("Cast", [sums], ("to", (int)DataType.Float)), factors]);
        }
    }

    private enum Form
    {
        Float,
        MatMulInteger,
        MatMulIntegerByRow,
        QuantizeDequantize,
    }
}
