using Bitis.Checkpoints;
using Bitis.Execution.Gradients;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Quantization;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Reconstruction;
using Bitis.Tensors;

namespace Bitis.Tests.Reconstruction;

/// <summary>
/// Smoothing, the search for scales, the quantized layer and its gradients against the authors' quantizers.
/// </summary>
public sealed class Ptq4vmGoldenTests
{
    private const string File = "ptq4vm-linear.golden.safetensors";

    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string kind in (string[])["silu", "gauss_outlier", "token_var"])
            {
                foreach (string bits in (string[])["w8a8", "w6a6", "w4a4"])
                    data.Add(kind, bits);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Smoothing_scales_and_zero_points_are_the_official_ones(string kind, string bits)
    {
        using Checkpoint golden = Checkpoint.Open(GoldenFiles.Path(File));
        LearnedLinear linear = Search(golden, kind, bits, out _);
        TensorAssert.Close(golden.Read($"{kind}.smoothing"), Vector(linear.Smoothing), 1e-6, "smoothing");
        TensorAssert.Close(golden.Read($"{kind}.{bits}.act_scale"), Vector(linear.InputScales), 1e-6, "input scales");
        Assert.Equal(golden.Read($"{kind}.{bits}.act_zero").Span.ToArray(), linear.ZeroPoints);
        TensorAssert.Close(
            golden.Read($"{kind}.{bits}.weight_scale"), Vector(linear.WeightScales), 1e-6, "weight scales");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_layer_and_its_gradients_are_the_official_ones(string kind, string bits)
    {
        using Checkpoint golden = Checkpoint.Open(GoldenFiles.Path(File));
        LearnedLinear linear = Search(golden, kind, bits, out Graph graph);
        // Where a weight lies on the last level itself, its gradient hangs on the last bit of these.
        golden.Read($"{kind}.smoothing").Span.CopyTo(linear.Smoothing);
        golden.Read($"{kind}.{bits}.weight_scale").Span.CopyTo(linear.WeightScales);
        golden.Read($"{kind}.{bits}.act_scale").Span.CopyTo(linear.InputScales);
        Dictionary<string, FloatTensor> results = Run(golden, kind, linear, graph);
        FloatTensor weight = linear.ToQuantized().DequantizeWeight(linear.Node.Operator);
        for (int i = 0; i < weight.Length; i++)
            weight.Span[i] *= linear.Smoothing[i % linear.Smoothing.Length]; // the golden ŵ is that of W·m
        TensorAssert.Close(golden.Read($"{kind}.{bits}.w_hat"), weight, 1e-5, "w_hat");
        TensorAssert.Close(golden.Read($"{kind}.{bits}.y"), results["y"], 1e-5, "y");
        foreach (string name in (string[])["grad_x", "grad_act_scale", "grad_weight_scale", "grad_smoothing"])
            TensorAssert.Close(golden.Read($"{kind}.{bits}.{name}"), results[name], 1e-4, name);
    }

    /// <summary>
    /// A layer that neither learns nor passes gradients on as a quantized one does, as x_proj in the official Vim code.
    /// </summary>
    [Fact]
    public void A_frozen_layer_passes_the_gradient_of_its_float_weights()
    {
        using Checkpoint golden = Checkpoint.Open(GoldenFiles.Path(File));
        LearnedLinear linear = Search(golden, "silu", "w4a4", out Graph graph, isLearned: false);
        Dictionary<string, FloatTensor> results = Run(golden, "silu", linear, graph);
        FloatTensor y = golden.Read("silu.grad_out"), weight = golden.Read("silu.weight");
        var expected = new FloatTensor(golden.Read("silu.x").Shape);
        for (int row = 0; row < 6 * 17; row++)
        {
            for (int i = 0; i < 20 * 24; i++)
                expected.Span[(row * 24) + (i % 24)] += y.Span[(row * 20) + (i / 24)] * weight.Span[i];
        }
        TensorAssert.Close(golden.Read("silu.w4a4.y"), results["y"], 1e-5, "y");
        TensorAssert.Close(expected, results["grad_x"], 1e-5, "grad_x");
        Assert.Empty(linear.Learned);
        Assert.All(linear.InputScaleGradient.Concat(linear.WeightScaleGradient), value => Assert.Equal(0, value));
    }

    private static LearnedLinear Search(
        Checkpoint golden, string kind, string bits, out Graph graph, bool isLearned = true)
    {
        FloatTensor x = golden.Read($"{kind}.x"), weight = golden.Read($"{kind}.weight");
        int tokens = x.Shape[1], inputs = x.Shape[2], outputs = weight.Shape[0];
        var builder = new GraphBuilder([tokens, inputs]);
        // its gradient shows the layer's
        Node shifted = builder.Add("shift", new AddEmbedding(tokens, inputs), builder.Input);
        Node node = builder.Add("linear", new Linear(inputs, outputs, HasBias: true), shifted);
        graph = builder.Build(node);
        float[] smoothing = Smoothing.Of(x, weight, alpha: 0.5);
        Smoothing.Divide(x, smoothing);
        var statistics = new SiteStatistics("x", tokens);
        statistics.ObserveRange(x);
        statistics.Keep(x);
        QuantizedLayer start = QuantizedLayer.Create(
            Smoothing.Multiply(
                weight,
                smoothing), BitWidths.Parse(bits), Granularity.PerToken, statistics, new TruncationEstimator(),
                threads: 1);
        return new LearnedLinear(node, weight, golden.Read($"{kind}.bias"), start, smoothing, isLearned);
    }

    /// <summary>Runs the layer image by image, so that the gradient of each image's input can be seen.</summary>
    private static unsafe Dictionary<string, FloatTensor> Run(
        Checkpoint golden, string kind, LearnedLinear linear, Graph graph)
    {
        FloatTensor x = golden.Read($"{kind}.x"), yGradient = golden.Read($"{kind}.grad_out");
        int images = x.Shape[0], inLength = x.Length / images, outLength = yGradient.Length / images;
        var weights = new Dictionary<string, FloatTensor>
        {
            [graph.Nodes[1].ParameterNames[0]] = new(graph.Nodes[1].Shape),
            ["linear.weight"] = linear.Weight,
            ["linear.bias"] = linear.Bias!,
        };
        using var runner = new GradientRunner(
            new GradientPlan(graph, weights, images: 1, operation =>
                operation.Main.Operator is Linear ? linear.CreateStep(operation) : null), threads: 1);
        GradientPlan plan = runner.Plan;
        FloatTensor y = new(yGradient.Shape), xGradient = new(x.Shape);
        float[] inputScales = new float[linear.InputScales.Length],
            weightScales = new float[linear.WeightScales.Length], smoothing = new float[linear.Smoothing.Length];
        for (int image = 0; image < images; image++)
        {
            int current = image;
            runner.Run(
                1,
                (microBatch, _) => microBatch.Bind(plan.Inputs[0].Place, x.Pointer + (current * inLength)),
                (microBatch, _) =>
                {
                    new Span<float>(microBatch.Pointer(plan.Output), outLength).CopyTo(y.Span[(current * outLength)..]);
                    yGradient.Span.Slice(current * outLength, outLength)
                        .CopyTo(new Span<float>(microBatch.Pointer(plan.OutputGradient), outLength));
                });
            plan.Parameters[graph.Nodes[1].ParameterNames[0]].Gradient.Span.CopyTo(
                xGradient.Span[(image * inLength)..]);
            Add(inputScales, linear.InputScaleGradient);
            Add(weightScales, linear.WeightScaleGradient);
            Add(smoothing, linear.SmoothingGradient);
        }
        return new()
        {
            ["y"] = y,
            ["grad_x"] = xGradient,
            ["grad_act_scale"] = Vector(inputScales),
            ["grad_weight_scale"] = Vector(weightScales),
            ["grad_smoothing"] = Vector(smoothing),
        };
    }

    private static void Add(float[] sum, float[] term) => System.Numerics.Tensors.TensorPrimitives.Add(sum, term, sum);

    private static FloatTensor Vector(float[] values) => FloatTensor.From([values.Length], values);
}
