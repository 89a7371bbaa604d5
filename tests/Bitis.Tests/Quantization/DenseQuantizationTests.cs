using System.Numerics.Tensors;
using Bitis.Checkpoints;
using Bitis.Data;
using Bitis.Execution.Planning;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Models.Segmentation;
using Bitis.Quantization;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;
using Bitis.Tensors;
using Bitis.Tests.Models;

namespace Bitis.Tests.Quantization;

/// <summary>Quantized models that give a class to each pixel.</summary>
public sealed class DenseQuantizationTests : IDisposable
{
    private static readonly VisionModel Model = VisionModel.Load(
        GoldenFiles.Path("vmamba-seg-micro.pth"), new ModelOptions { ImageSize = 64 });

    private readonly TempFolder _folder = new();

    public static TheoryData<string, string, Granularity?, Scope> Recipes
    {
        get
        {
            var data = new TheoryData<string, string, Granularity?, Scope>();
            foreach (string method in QuantizationMethod.Names)
            {
                data.Add(method, "w8a8", null, Scope.Full);
                if (method is "mse" or "ptq4vm+" or "qmamba+")
                {
                    data.Add(method, "w4a8", Granularity.PerToken, Scope.Linear);
                    data.Add(method, "w4a4", Granularity.PerToken, Scope.Ssm);
                }
            }
            data.Add("mse", "w7a8", Granularity.PerTensor, Scope.Full);
            data.Add("minmax", "w4a4", Granularity.PerToken, Scope.Full);
            data.Add("minmax", "w8a32", Granularity.PerTensor, Scope.Full);
            return data;
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [Trait("Speed", "Slow")]
    [MemberData(nameof(Recipes))]
    public void Integers_equal_the_simulation_bit_for_bit_at_every_size(
        string method, string bits, Granularity? granularity, Scope scope)
    {
        QuantizedModel quantized = Quantize(method, bits, granularity, scope);
        quantized.Save(_folder["model.bitis"]);
        using SegmentationSession session = SegmentationSession.Create(quantized, new SessionOptions { Threads = 2 });
        using SegmentationSession loaded = SegmentationSession.Load(
            _folder["model.bitis"], new SessionOptions { Threads = 1 });
        foreach ((int height, int width) in ((int, int)[])[(64, 64), (47, 90), (128, 64)])
        {
            FloatTensor image = Images(1, height, width, seed: 5);
            FloatTensor integer = session.RunHead(image, CancellationToken.None);
            TensorAssert.Same(Simulate(quantized, image), integer);
            TensorAssert.Same(integer, loaded.RunHead(image, CancellationToken.None));
        }
    }

    [Fact]
    public void Layers_of_backbone_and_head_are_quantized_and_the_auxiliary_head_is_left_out()
    {
        Graph folded = NormFolding.OfAnswer(Model.Graph).Graph;
        QuantizedModel full = Quantize("minmax", "w4a4", null, Scope.Full);
        Assert.Equal(
            folded.Nodes.Where(node => QuantizedLayer.Covers(node.Operator)).Select(node => node.Name).Order(),
            full.Layers.Keys.Order());
        Assert.Equal(8, full.Layers["decode_head.conv_seg"].Weight!.Bits); // the logits
        Assert.Equal(4, full.Layers["decode_head.fpn_bottleneck.conv"].Weight!.Bits);
        Assert.DoesNotContain(full.Weights.Keys, name => name.StartsWith("auxiliary_head", StringComparison.Ordinal));
        Assert.DoesNotContain(full.Weights.Keys, name => name.Contains(".bn.", StringComparison.Ordinal));
        QuantizedModel linear = Quantize("minmax", "w4a4", null, Scope.Linear);
        Assert.Equal(
            folded.Nodes.Where(node => node.Block is not null && node.IsLinear).Select(node => node.Name).Order(),
            linear.Layers.Keys.Order());
        Assert.Empty(linear.Scans);
    }

    [Fact]
    public void Batch_norms_are_folded_before_weights_become_levels()
    {
        var folding = NormFolding.OfAnswer(Model.Graph);
        FloatTensor weight = folding.WeightsOf(Model.Weights)["decode_head.bottleneck.conv.weight"];
        QuantizedLayer layer = Quantize("minmax", "w8a8", null, Scope.Full).Layers["decode_head.bottleneck.conv"];
        FloatTensor levels = layer.DequantizeWeight(folding.Graph["decode_head.bottleneck.conv"].Operator);
        for (int i = 0; i < weight.Length; i++)
        {
            float scale = layer.Weight!.Scales[i / (weight.Length / weight.Shape[0])];
            Assert.InRange(levels.Span[i] - weight.Span[i], -0.501f * scale, 0.501f * scale);
        }
    }

    [Theory]
    [InlineData("mse")]
    [InlineData("ptq4vm+")]
    [InlineData("qmamba+")]
    public void Eight_bits_stay_close_to_float_at_every_size(string method)
    {
        using SegmentationSession exact = SegmentationSession.Create(Model);
        using SegmentationSession session = SegmentationSession.Create(
            Quantize(method, "w8a8", null, method == "qmamba+" ? Scope.Full : Scope.Linear, images: 16));
        double usual = Error(64, 64);
        Assert.InRange(usual, 0, 0.1);
        Assert.InRange(Error(70, 111), 0, 3 * usual);

        // Relative to the logits. Interpolated scales cut off more than those of calibration's size.
        double Error(int height, int width)
        {
            FloatTensor image = Images(1, height, width, seed: 6);
            FloatTensor expected = exact.RunHead(image, CancellationToken.None);
            FloatTensor actual = session.RunHead(image, CancellationToken.None);
            return TensorPrimitives.Distance<float>(expected.Span, actual.Span)
                / TensorPrimitives.Norm<float>(expected.Span);
        }
    }

    [Fact]
    public void Convolutions_write_levels_where_only_another_convolution_reads_them()
    {
        QuantizedModel quantized = Quantize("minmax", "w8a8", null, Scope.Full);
        using SegmentationSession session = SegmentationSession.Create(quantized);
        IReadOnlyList<OperationTime> steps = session.Profile(Images(1, 64, 64, seed: 1), CancellationToken.None);
        string[] names = [.. steps.Select(step => step.Node)];
        Assert.DoesNotContain("decode_head.fpn_bottleneck.conv.input", names);
        Assert.DoesNotContain("decode_head.conv_seg.input", names);
        Assert.DoesNotContain(names, name => name.EndsWith("concat", StringComparison.Ordinal));
        // Three levels of the pyramid and four pooled maps are resized for convolutions alone; others read the map.
        Assert.Equal(7, steps.Count(step => step.Kind == "resize + quantize"));
        Assert.Single(names, "decode_head.bottleneck.conv.input");
    }

    [Theory]
    [InlineData("mse")]
    [InlineData("ptq4vm+")]
    public void Calibration_takes_images_of_the_usual_size_only(string method) => Assert.Throws<ArgumentException>(
        () => PostTrainingQuantizer.Quantize(
            Model, CalibrationSet.FromTensors(Images(1, 48, 64, seed: 1)), new Recipe { Method = method }));

    [Fact]
    public void Windows_for_calibration_lie_in_images_and_are_the_same_in_each_pass()
    {
        byte[] pixels = [.. Enumerable.Range(0, 90 * 64).SelectMany(i => (byte[])[(byte)(i % 90), (byte)(i / 90), 0])];
        using var source = new InMemoryImageSource([new LabeledImage(PixelImage.Rgb(90, 64, pixels), null, "one")]);
        foreach (int seed in (int[])[0, 1])
        {
            var set = CalibrationSet.FromWindows(source, Model.Preprocessing, seed: seed);
            FloatTensor window = Assert.Single(set.Read(CancellationToken.None));
            Assert.Equal([1, 3, 64, 64], window.Shape);
            float left = Level(window, 0, 0, 0);
            Assert.InRange(left, -0.1, 26.1);
            Assert.Equal(left + 63, Level(window, 0, 10, 63), 1e-3); // columns follow each other,
            Assert.Equal(10, Level(window, 1, 10, 63), 1e-3); // and so do rows
            TensorAssert.Same(window, Assert.Single(set.Read(CancellationToken.None)));
        }

        float Level(FloatTensor window, int channel, int row, int column) => 255 * (
            (window.Span[(((channel * 64) + row) * 64) + column] * Model.Preprocessing.Std[channel])
            + Model.Preprocessing.Mean[channel]);
    }

    [Fact]
    public void What_classifies_images_refuses_the_model()
    {
        QuantizedModel quantized = Quantize("minmax", "w8a8", null, Scope.Linear);
        Assert.Contains(
            "gives a class to each pixel",
            Assert.Throws<BitisException>(() => InferenceSession.Create(quantized)).Message,
            StringComparison.Ordinal);
    }

    private static QuantizedModel Quantize(
        string method, string bits, Granularity? granularity, Scope scope, int images = 3)
    {
        var recipe = new Recipe
        {
            Method = method,
            Bits = BitWidths.Parse(bits),
            ActivationGranularity = granularity,
            Scope = scope,
        }.WithSteps(2);
        return PostTrainingQuantizer.Quantize(
            Model, CalibrationSet.FromTensors(Images(2, 64, 64, seed: 1), Images(images - 2, 64, 64, seed: 2)), recipe);
    }

    private static FloatTensor Simulate(QuantizedModel quantized, FloatTensor image)
    {
        var dense = (IDenseConfig)quantized.Config;
        Graph graph = NormFolding.OfAnswer(dense.BuildGraph(image.Shape[2], image.Shape[3])).Graph;
        (IReadOnlyDictionary<string, QuantizedLayer> layers, IReadOnlyDictionary<string, QuantizedScan> scans) =
            GridScales.Fit(quantized, graph);
        using var evaluator = new VectorizedEvaluator();
        return new GraphExecutor(
            graph, quantized.DequantizeWeights(), new SimulatedEvaluator(evaluator, layers, scans)).Run(image);
    }

    /// <summary>The golden image in all sizes, with noise, so that values are as in use.</summary>
    private static FloatTensor Images(int count, int height, int width, ulong seed)
    {
        using Checkpoint golden = SegmentationGoldenTests.Open("vmamba-seg-micro");
        FloatTensor input = golden.Read("input"), images = new([count, 3, height, width]);
        var random = new SeededRandom(seed);
        for (int i = 0; i < images.Length; i++)
        {
            int x = i % width * input.Shape[3] / width, y = i / width % height * input.Shape[2] / height;
            int channel = i / width / height % 3;
            images.Span[i] = input.Span[(((channel * input.Shape[2]) + y) * input.Shape[3]) + x]
                + (0.3f * (float)random.NextNormal());
        }
        return images;
    }
}
