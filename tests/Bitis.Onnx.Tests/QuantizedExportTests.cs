using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Execution.Sessions;
using Bitis.Fuzz;
using Bitis.Graphs;
using Bitis.Onnx.Exporting;
using Bitis.Onnx.Operators;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;
using Bitis.Tests;
using Xunit.Abstractions;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Bitis.Onnx.Tests;

/// <summary>ONNX Runtime computes the numbers of the simulation.</summary>
public sealed class QuantizedExportTests(ITestOutputHelper output)
{
    /// <summary>For one layer behind nothing that rounds: only the last bits of sums in float32 differ.</summary>
    private const double Tolerance = 2e-6;

    /// <summary>For whole models: a value that lies between two levels may round to the other one.</summary>
    private const double WholeModel = 0.02;

    public static TheoryData<int> Recipes => [.. Enumerable.Range(0, MicroModels.Recipes.Count)];

    public static TheoryData<string, string, string> Layers => new()
    {
        { "minmax", "w8a8", "PerTensor" },
        { "minmax", "w8a8", "PerToken" },
        { "minmax", "w4a4", "PerToken" },
        { "minmax", "w4a8", "PerTensor" },
        { "minmax", "w6a6", "PerTensor" },
        { "minmax", "w2a3", "PerToken" },
        { "minmax", "w8a32", "PerTensor" },
        { "minmax", "w32a8", "PerToken" },
        { "minmax", "w32a4", "PerTensor" },
        { "smoothquant", "w8a8", "PerToken" },
        { "smoothquant", "w4a4", "PerTensor" },
        { "quamba", "w8a8", "PerTensor" },
    };

    public static TheoryData<string, string> Scans => new()
    {
        { "minmax", "w8a8" }, { "qmamba+", "w8a8" }, { "qmamba", "w4a4" }, { "log2", "w4a8" }, { "quamba", "w8a6" },
    };

    [Theory]
    [MemberData(nameof(Layers))]
    public void Each_layer_gives_the_numbers_of_the_simulation(string method, string bits, string granularity)
    {
        var recipe = new Recipe
        {
            Method = method,
            Bits = BitWidths.Parse(bits),
            Scope = Scope.Full,
            ActivationGranularity = Enum.Parse<Granularity>(granularity),
        };
        foreach (Graph graph in LayerGraphs())
        {
            QuantizedModel model = Quantize(graph, recipe);
            Assert.NotEmpty(model.Layers);
            foreach (int opset in (int[])[OnnxOptions.FirstOpset, WeightLevels.FirstOpset])
            {
                RequireSame(
                    model, images: 3, Tolerance, $"{graph.Nodes[1].Kind} {graph.Nodes[^2].Kind} in opset {opset}",
                    new OnnxOptions { Opset = opset });
            }
        }
    }

    [Theory]
    [MemberData(nameof(Scans))]
    public void A_scan_gives_the_numbers_of_the_simulation(string method, string bits)
    {
        var recipe = new Recipe
        {
            Method = method,
            Bits = BitWidths.Parse(bits),
            Scope = Scope.Full,
            Overrides = [SiteOverride.Parse("*_proj=w32a32")],
        };
        foreach (int states in (int[])[1, 5])
        {
            QuantizedModel model = Quantize(ScanGraph(states), recipe);
            Assert.Single(model.Scans);
            RequireSame(model, images: 3, 1e-4, $"{states} states");
        }
    }

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Whole_models(int index)
    {
        (string name, Recipe recipe) = MicroModels.Recipes[index];
        QuantizedModel model = MicroModels.Quantize(name, recipe);
        foreach (int opset in (int[])[OnnxOptions.FirstOpset, 19, OnnxOptions.LastOpset])
            RequireSame(model, images: 4, WholeModel, $"opset {opset}", new OnnxOptions { Opset = opset });
    }

    [Theory]
    [InlineData("w8a8", Scope.Linear)]
    [InlineData("w4a4", Scope.Linear)]
    [InlineData("w8a8", Scope.Ssm)]
    [Trait("Speed", "Slow")]
    public void A_trained_model_gives_the_answers_of_the_simulation(string bits, Scope scope)
    {
        VisionModel model = VisionModel.LoadShipped("vim-micro-builtin");
        using ImageSource images = ImageSource.Open("builtin/test", decoder: null);
        var calibration = CalibrationSet.FromImages(images, model.Preprocessing, 64);
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            model, calibration, new Recipe { Method = "minmax", Bits = BitWidths.Parse(bits), Scope = scope });
        using var folder = new TempFolder();
        OnnxModel.Export(quantized, folder["model.onnx"]);
        using var session = new OnnxSession(folder["model.onnx"]);
        Agreement agreement = Agreement.None;
        foreach (ImageBatch batch in ImageLoader.Load(images.Take(400, seed: 3), model.Preprocessing, 50))
        {
            FloatTensor expected = Simulate(quantized, batch.Images), actual = session.Run(batch.Images);
            int classes = expected.Shape[1];
            for (int i = 0; i < expected.Shape[0]; i++)
            {
                agreement = agreement.With(
                    actual.Span.Slice(i * classes, classes), expected.Span.Slice(i * classes, classes));
            }
        }
        output.WriteLine($"{agreement.Top1:P2} same top-1, logits differ by {agreement.MeanLogitError:P3}");
        Assert.InRange(agreement.Top1, 0.997, 1);
    }

    [Fact]
    public void The_export_says_what_is_computed_in_integers()
    {
        Assert.Equal(
            [LayerArithmetic.Integer, LayerArithmetic.FloatOnLevels],
            Arithmetic("w8a8", Granularity.PerToken).Distinct().Order());
        Assert.Equal([LayerArithmetic.Integer], Arithmetic("w8a8", Granularity.PerTensor).Distinct());
        Assert.Equal([LayerArithmetic.FloatWithStoredLevels], Arithmetic("w8a32", Granularity.PerTensor).Distinct());
        Assert.Equal([LayerArithmetic.FloatOnLevels], Arithmetic("w32a8", Granularity.PerTensor).Distinct());

        static IEnumerable<LayerArithmetic> Arithmetic(string bits, Granularity granularity)
        {
            QuantizedModel model = MicroModels.Quantize("vim", new Recipe
            {
                Method = "minmax",
                Bits = BitWidths.Parse(bits),
                Scope = Scope.Full,
                ActivationGranularity = granularity,
            });
            ExportedModel exported = QuantizedExport.Build(model, new OnnxOptions());
            Assert.Equal(model.Layers.Count, exported.Layers.Count);
            Assert.Equal(model.Scans.Count, exported.QuantizedScans);
            return exported.Layers;
        }
    }

    [Theory]
    [InlineData("w4a4", 20, false)]
    [InlineData("w4a4", 21, true)]
    [InlineData("w2a8", 21, true)]
    [InlineData("w6a6", 21, false)]
    public void Weights_of_four_bits_share_bytes_where_the_opset_has_them(string bits, int opset, bool isPacked)
    {
        QuantizedModel model = MicroModels.Quantize(
            "vim", new Recipe { Method = "minmax", Bits = BitWidths.Parse(bits) });
        ExportedModel exported = QuantizedExport.Build(model, new OnnxOptions { Opset = opset });
        DataType type = isPacked ? DataType.Int4 : DataType.Int8;
        Assert.Equal(bits == "w6a6" ? 0 : model.Layers.Count, exported.NarrowLayers);
        (long[] Sizes, int Bytes)[] levels =
        [
            .. exported.Graph.Tensors.Where(tensor => tensor.Proto.DataType == (int)type && tensor.Proto.Dims.Count > 1)
                .Select(tensor => ((long[])[.. tensor.Proto.Dims], tensor.Bytes.Length)),
        ];
        Assert.NotEmpty(levels);
        Assert.All(levels, tensor =>
        {
            long count = tensor.Sizes.Aggregate((product, size) => product * size);
            Assert.Equal(isPacked ? (count + 1) / 2 : count, tensor.Bytes);
        });
    }

    [Fact]
    public void A_quantized_file_is_not_opened_again()
    {
        using var folder = new TempFolder();
        OnnxModel.Export(MicroModels.Quantize("vim", new Recipe { Method = "minmax" }), folder["model.onnx"]);
        BitisException e = Assert.Throws<BitisException>(() => OnnxModel.Load(folder["model.onnx"]));
        Assert.Contains("open the .bitis file", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Graphs with one layer that is quantized, behind the image or a value that is not rounded.</summary>
    private static IEnumerable<Graph> LayerGraphs()
    {
        const int side = 6, width = 8;
        yield return One((b, x) => b.Linear("layer", x, 5));
        yield return One((b, x) => b.Linear("layer", x, 5, hasBias: false));
        yield return One((b, x) => b.GridConv2d("layer", x, side, side, 4, kernelSize: 3, stride: 2, padding: 1));
        yield return One((b, x) => b.DepthwiseConv2d("layer", x, side, side, kernelSize: 3));
        yield return One((b, x) => b.CausalConv1d("layer", x, kernelSize: 4));
        var builder = new GraphBuilder([width, side, side]);
        yield return builder.Build(builder.MeanTokens("mean", builder.FlattenSpatial(
            "tokens", builder.Conv2d("layer", builder.Input, 3, kernelSize: 2, stride: 2, padding: 1))));
        builder = new GraphBuilder([width, side, side]);
        yield return builder.Build(builder.Linear(
            "layer", builder.MeanTokens("mean", builder.FlattenSpatial("tokens", builder.Input)), 3));

        static Graph One(Func<GraphBuilder, Node, Node> add)
        {
            var builder = new GraphBuilder([width, side, side]);
            return builder.Build(builder.MeanTokens(
                "mean", add(builder, builder.FlattenSpatial("tokens", builder.Input))));
        }
    }

    private static Graph ScanGraph(int states)
    {
        var b = new GraphBuilder([6, 5, 5]);
        Node x = b.FlattenSpatial("tokens", b.Input);
        Node delta = b.Softplus("delta", b.Linear("delta_proj", x, 6));
        Node y = b.SelectiveScan(
            "scan", x, delta, b.Linear("b_proj", x, states), b.Linear("c_proj", x, states));
        return b.Build(b.MeanTokens("mean", y));
    }

    private static QuantizedModel Quantize(Graph graph, Recipe recipe)
    {
        var weights = new Dictionary<string, FloatTensor>();
        var random = new SeededRandom(11);
        foreach ((string name, Shape shape) in graph.Parameters)
        {
            weights[name] = new FloatTensor(shape);
            foreach (ref float value in weights[name].Span)
                value = (float)random.NextNormal() * 0.5f;
        }
        VisionModel model = VisionModel.FromGraph(graph, weights);
        return PostTrainingQuantizer.Quantize(
            model, CalibrationSet.FromTensors(MicroModels.Images(model.Config, 8)), recipe,
            new QuantizationOptions { Threads = 1 });
    }

    private static void RequireSame(
        QuantizedModel model, int images, double tolerance, string name, OnnxOptions? options = null)
    {
        using var folder = new TempFolder();
        OnnxModel.Export(model, folder["model.onnx"], options);
        FloatTensor pixels = MicroModels.Images(model.Config, images);
        using var session = new OnnxSession(folder["model.onnx"]);
        TensorAssert.Close(Simulate(model, pixels), session.Run(pixels), tolerance, name);
    }

    private static FloatTensor Simulate(QuantizedModel model, FloatTensor images)
    {
        using var evaluator = new VectorizedEvaluator(threads: 1);
        return new GraphExecutor(
            model.Graph, model.DequantizeWeights(), new SimulatedEvaluator(evaluator, model.Layers, model.Scans))
            .Run(images);
    }
}
