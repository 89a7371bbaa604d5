using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;
using Bitis.Reconstruction;
using Bitis.Tensors;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.Reconstruction;

/// <summary>The streams of activations that quantization block by block runs through the model.</summary>
public sealed class ActivationStreamTests
{
    public static TheoryData<string> Models => new("vim-micro.safetensors", "vmamba-micro.pth");

    /// <summary>Every value of every block, views of others included.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void A_stream_has_the_values_that_nodes_have_one_by_one(string file)
    {
        VisionModel model = VisionModel.Load(GoldenFiles.Path(file));
        var exact = new StreamModel(
            model.Weights, new Dictionary<string, QuantizedLayer>(), new Dictionary<string, QuantizedScan>());
        using var evaluator = new VectorizedEvaluator();
        AssertSame(model, exact, model.Weights, evaluator);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_stream_of_quantized_layers_has_the_values_of_their_levels(string file)
    {
        VisionModel model = VisionModel.Load(GoldenFiles.Path(file));
        QuantizedModel quantized = MicroModel.Quantize(
            model, new Recipe { Method = "smoothquant", Bits = BitWidths.Parse("w4a4"), Scope = Scope.Linear });
        var streamed = new StreamModel(quantized.Weights, quantized.Layers, quantized.Scans);
        using var evaluator = new VectorizedEvaluator();
        AssertSame(
            model, streamed, quantized.DequantizeWeights(), new SimulatedEvaluator(evaluator, quantized.Layers));
    }

    private static void AssertSame(
        VisionModel model, StreamModel streamed, IReadOnlyDictionary<string, FloatTensor> weights,
        INodeEvaluator evaluator)
    {
        const int images = 3;
        GraphSegment[] segments = [.. GraphSegment.Split(model.Graph)];
        FloatTensor pixels = MicroModel.Images(model, images, seed: 6);
        ActivationStream stream = ActivationStream.Start(
            model.Graph.Input, segments[0], _ => true, CalibrationSet.FromTensors(pixels), weights, evaluator,
            progress: null, CancellationToken.None);
        int compared = 0;
        foreach (GraphSegment segment in segments.Skip(1))
        {
            GraphSegment all = segment.For([.. segment.Nodes]);
            IReadOnlyDictionary<Node, FloatTensor> expected = all.Run(
                all.Inputs.ToDictionary(node => node, node => stream[node]), weights, evaluator);
            ActivationStream actual = stream.Run(all, streamed, threads: 2, CancellationToken.None);
            foreach (Node node in segment.Nodes)
            {
                TensorAssert.Same(expected[node], actual[node]);
                compared++;
            }
            stream = stream.With(actual, _ => true);
        }
        Assert.True(compared > model.Graph.BlockCount);
    }
}
