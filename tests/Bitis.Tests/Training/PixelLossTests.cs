using Bitis.Checkpoints;
using Bitis.Data.LabelMaps;
using Bitis.Graphs;
using Bitis.Models.Detection;
using Bitis.Models.Segmentation;
using Bitis.Tests.Models;
using Bitis.Training;
using Bitis.Training.Losses;

namespace Bitis.Tests.Training;

/// <summary>The loss of pixels, and the gradients of a whole segmenter, against the official implementation.</summary>
public sealed class PixelLossTests
{
    [Fact]
    public void Loss_and_gradients_of_a_segmenter_equal_the_official_ones()
    {
        using Checkpoint golden = SegmentationGoldenTests.Open("vmamba-seg-micro"),
            official = SegmentationGoldenTests.Open("vmamba-seg-micro-gradients");
        VisionModel model = SegmentationGoldenTests.Load();
        FloatTensor input = golden.Read("input"), labels = official.Read("labels");
        (int height, int width) = (input.Shape[2], input.Shape[3]);
        Graph graph = ((IDenseConfig)model.Config).BuildGraph(height, width);
        graph = graph.WithOutputs(graph["decode_head.conv_seg"], graph["auxiliary_head.conv_seg"]);
        FloatTensor decode = golden.Read("decode.logits"), auxiliary = golden.Read("aux.logits");
        using var loss = new PixelLoss(
            height, width, model.Config.Classes,
            [
                new(decode.Shape[2], decode.Shape[3], 1), new(auxiliary.Shape[2], auxiliary.Shape[3], 0.4),
            ],
            smoothing: 0)
        {
            Labels = Array.ConvertAll(labels.Span.ToArray(), label => (ushort)label),
        };
        Assert.Contains(LabelMap.Ignored, loss.Labels);

        using var executor = new GradientExecutor(graph, model.Weights);
        Assert.Equal(official.Read("loss").Span[0], executor.Run(input, loss), 1e-4);

        Dictionary<string, FloatTensor> gradients = new CheckpointLayout(model.Config, model.Graph)
            .Join(model.Weights.ToDictionary(
                weight => weight.Key,
                weight => executor.Gradients.GetValueOrDefault(weight.Key, new FloatTensor(weight.Value.Shape))));
        string[] names = [.. official.Entries.Select(entry => entry.Name).Where(entry => entry.StartsWith("grad."))];
        Assert.Equal(31, names.Length);
        foreach (string entry in names)
            TensorAssert.Close(official.Read(entry), gradients[entry["grad.".Length..]], 1e-3, entry);
        Assert.DoesNotContain(executor.Gradients.Keys, key => key.Contains("running_", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.2f)]
    public void A_gradient_equals_finite_differences(float smoothing)
    {
        const int height = 5, width = 4, classes = 3, mapHeight = 2, mapWidth = 3;
        using var loss = new PixelLoss(height, width, classes, [new(mapHeight, mapWidth, 0.7)], smoothing)
        {
            Labels =
            [
                .. Enumerable.Range(0, height * width)
                    .Select(i => i % 6 == 1 ? LabelMap.Ignored : (ushort)(i % classes)),
            ],
        };
        float[] values = Sample.Floats(1, mapHeight * mapWidth * classes), gradient = new float[values.Length],
            unused = new float[values.Length];
        loss.Compute(0, 0, values, gradient);
        double[] expected = new double[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            const float step = 1f / 64;
            float value = values[i];
            values[i] = value + step;
            double above = loss.Compute(0, 0, values, unused);
            values[i] = value - step;
            expected[i] = (above - loss.Compute(0, 0, values, unused)) / (2 * step);
            values[i] = value;
        }
        GradientAssert.Close(expected, gradient, "logits", tolerance: 1e-3);
    }

    [Fact]
    public void Pixels_with_a_label_are_counted_and_the_loss_is_a_mean_over_all()
    {
        using var loss = new PixelLoss(1, 4, classes: 2, [new(1, 4, 1)], smoothing: 0)
        {
            Labels = [0, 1, LabelMap.Ignored, 1],
        };
        // Right, wrong, ignored, right; each logit is one of a pair with a distance of ln 3.
        float far = MathF.Log(3);
        double sum = loss.Compute(0, 0, [far, 0, far, 0, 0, far, 0, far], new float[8]);
        Assert.Equal((2, 3), (loss.Correct, loss.Counted));
        Assert.Equal((2 * Math.Log(4.0 / 3) + Math.Log(4)) / 4, sum, 1e-6);
    }
}
