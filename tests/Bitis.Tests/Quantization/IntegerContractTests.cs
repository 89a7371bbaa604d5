using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Quantization;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Tests.Quantization;

/// <summary>
/// The contract of every method and bit width: what the integer runtime computes is what the simulation computes,
/// before and after a trip through a file.
/// </summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class IntegerContractTests : IDisposable
{
    private static readonly VisionModel Model = MicroModel.Load();
    private static readonly FloatTensor Calibration = MicroModel.Images(Model, 24, seed: 1);
    private static readonly FloatTensor Images = MicroModel.Images(Model, 8, seed: 2);

    private readonly TempFolder _folder = new();

    public static TheoryData<string, string, Granularity, Scope> Recipes
    {
        get
        {
            var data = new TheoryData<string, string, Granularity, Scope>();
            foreach (string method in QuantizationMethod.Names)
            {
                foreach (string bits in (string[])["w8a8", "w7a8", "w6a6", "w4a8", "w4a4", "w2a3", "w8a32", "w32a8"])
                {
                    data.Add(method, bits, Granularity.PerTensor, Scope.Linear);
                    data.Add(method, bits, Granularity.PerToken, Scope.Linear);
                    data.Add(method, bits, Granularity.PerTensor, Scope.Ssm);
                    data.Add(
                        method,
                        bits,
                        method is "minmax" or "qmamba" ? Granularity.PerTensor : Granularity.PerToken,
                        Scope.Full);
                }
            }
            return data;
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Recipes))]
    public void The_integer_runtime_equals_the_simulation_bit_for_bit(
        string method, string bits, Granularity granularity, Scope scope)
    {
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            Model, CalibrationSet.FromTensors(Calibration), RecipeOf(method, bits, granularity) with { Scope = scope });
        Assert.Equal(
            scope != Scope.Linear && !bits.EndsWith("a32", StringComparison.Ordinal), quantized.Scans.Count > 0);
        using InferenceSession session = InferenceSession.Create(quantized, new SessionOptions { Threads = 2 });
        FloatTensor integer = session.Run(Images);
        using var evaluator = new VectorizedEvaluator();
        TensorAssert.Same(Simulate(quantized, evaluator), integer);
        // The plain float64-accumulating reference differs by rounding, which may move an activation to the next level:
        // of 3 bits, a seventh of the range.
        TensorAssert.Close(
            Simulate(quantized, ReferenceEvaluator.Instance),
            integer,
            BitWidths.Parse(bits).Activations == 3 ? 1.0 / 7 : 0.05);

        string path = _folder["model.bitis"];
        quantized.Save(path);
        using InferenceSession loaded = InferenceSession.Load(path, new SessionOptions { Threads = 1 });
        TensorAssert.Same(integer, loaded.Run(Images));
    }

    [Theory]
    [InlineData("minmax")]
    [InlineData("percentile")]
    [InlineData("mse")]
    public void Eight_bits_stay_within_a_few_percent_of_float(string method)
    {
        Assert.InRange(Error(Quantize(method, "w8a8", Granularity.PerTensor)), 0, 0.05);
    }

    [Fact]
    public void Fewer_bits_cost_more()
    {
        double[] errors =
        [
            .. ((string[])["w8a8", "w6a6", "w4a4"]).Select(bits => Error(Quantize("mse", bits, Granularity.PerTensor))),
        ];
        Assert.True(errors[0] < errors[1] && errors[1] < errors[2], string.Join(", ", errors));
    }

    [Fact]
    public void The_result_depends_neither_on_the_batch_size_nor_on_the_threads()
    {
        Quantize("mse", "w4a4", Granularity.PerToken).Save(_folder["whole"]);
        PostTrainingQuantizer.Quantize(
            Model,
            CalibrationSet.FromTensors(Split(Calibration, 5)),
            RecipeOf("mse", "w4a4", Granularity.PerToken),
            new QuantizationOptions { Threads = 1 })
            .Save(_folder["split"]);
        Assert.Equal(File.ReadAllBytes(_folder["whole"]), File.ReadAllBytes(_folder["split"]));
    }

    [Fact]
    public void In_scope_full_every_layer_computes_in_integers_and_the_first_and_last_have_eight_bits()
    {
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            Model,
            CalibrationSet.FromTensors(Calibration),
            RecipeOf("mse", "w4a4", Granularity.PerToken) with { Scope = Scope.Full });
        Assert.All(quantized.Layers, layer => Assert.True(layer.Value.IsInteger));
        Assert.Equal((8, 8), BitsOf(quantized.Layers["patch_embed.proj"]));
        Assert.Equal((8, 8), BitsOf(quantized.Layers["head"]));
        Assert.Equal((4, 4), BitsOf(quantized.Layers["layers.0.mixer.conv1d"]));
        Assert.Equal(Granularity.PerChannel, quantized.Layers["layers.0.mixer.conv1d"].Input!.Granularity);
        Assert.Equal(Granularity.PerTensor, quantized.Layers["patch_embed.proj"].Input!.Granularity);
        Assert.DoesNotContain(quantized.Weights.Keys, quantized.Layers.Keys.Select(name => $"{name}.weight").Contains);

        using InferenceSession session = InferenceSession.Create(quantized);
        string[] kinds = [.. session.Plan.Operations.Select(operation => operation.Kind)];
        Assert.Contains("patch embedding int8", kinds);
        Assert.DoesNotContain("linear", kinds);
        Assert.DoesNotContain("patch embedding", kinds);
        // Both directions of a block read one copy of the levels: what they see has the same grid.
        Assert.Equal(
            Model.Graph.BlockCount,
            session.Plan.Operations.Count(
                operation => operation.Name.EndsWith("conv1d.input", StringComparison.Ordinal)));

        Recipe fewer = RecipeOf("mse", "w4a4", Granularity.PerTensor) with
        {
            Scope = Scope.Full,
            Overrides = [new("head", new BitWidths(4, 4))],
        };
        Assert.Equal(
            (4, 4),
            BitsOf(
                PostTrainingQuantizer.Quantize(Model, CalibrationSet.FromTensors(Calibration), fewer).Layers["head"]));
    }

    [Fact]
    public void Overrides_decide_by_the_first_match()
    {
        Recipe recipe = new()
        {
            Overrides =
            [
                new("layers.0.*", BitWidths.None),
                new("*.x_proj*", new BitWidths(6, 7)),
                new("*", new BitWidths(4, 5)),
            ],
        };
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            Model, CalibrationSet.FromTensors(Calibration), recipe);
        Assert.DoesNotContain(quantized.Layers.Keys, name => name.StartsWith("layers.0.", StringComparison.Ordinal));
        Assert.Equal(3 * 6, quantized.Layers.Count);
        Assert.Equal((6, 7), BitsOf(quantized.Layers["layers.1.mixer.x_proj_b"]));
        Assert.Equal((4, 5), BitsOf(quantized.Layers["layers.1.mixer.in_proj"]));
        string message = Assert.Throws<BitisException>(() => PostTrainingQuantizer.Quantize(
            Model, CalibrationSet.FromTensors(Calibration), new Recipe
            {
                Overrides = [new("head", BitWidths.None)],
            })).Message;
        Assert.Contains("'head'", message);
    }

    [Fact]
    public void Calibration_needs_images_and_can_be_cancelled()
    {
        Assert.Throws<BitisException>(
            () => PostTrainingQuantizer.Quantize(Model, CalibrationSet.FromTensors(), new Recipe()));
        Assert.Throws<OperationCanceledException>(() => PostTrainingQuantizer.Quantize(
            Model, CalibrationSet.FromTensors(Calibration), new Recipe(), cancellationToken: new CancellationToken(
                canceled: true)));
        var broken = new FloatTensor(Calibration.Shape);
        broken.Span.Fill(float.NaN);
        Assert.Contains("Image 0 of the batch holds NaN", Assert.Throws<BitisException>(
            () => PostTrainingQuantizer.Quantize(Model, CalibrationSet.FromTensors(broken), new Recipe())).Message);
        // Finite images and weights, but sums that are not.
        broken.Span.Fill(1e30f);
        var weights = new Dictionary<string, FloatTensor>(Model.Weights)
        {
            ["patch_embed.proj.weight"] = Model.Weights["patch_embed.proj.weight"].Clone(),
        };
        weights["patch_embed.proj.weight"].Span.Fill(1e30f);
        Assert.Contains("layers.0.mixer.in_proj.input", Assert.Throws<BitisException>(
            () => PostTrainingQuantizer.Quantize(
                Model.WithWeights(weights), CalibrationSet.FromTensors(broken), new Recipe())).Message);
    }

    [Fact]
    public void Progress_is_told()
    {
        var heard = new Progress();
        PostTrainingQuantizer.Quantize(
            Model, CalibrationSet.FromTensors(Calibration), new Recipe(), new QuantizationOptions { Progress = heard });
        Assert.Equal(["calibrating: ranges", "calibrating: histograms", "quantizing"], heard.Stages.Distinct());
    }

    private static (int Weights, int Activations) BitsOf(QuantizedLayer linear) =>
        (linear.Weight!.Bits, linear.Input!.Bits);

    private static QuantizedModel Quantize(string method, string bits, Granularity granularity) =>
        PostTrainingQuantizer.Quantize(
            Model, CalibrationSet.FromTensors(Calibration), RecipeOf(method, bits, granularity));

    private static Recipe RecipeOf(string method, string bits, Granularity granularity) =>
        new Recipe
        {
            Method = method,
            Bits = BitWidths.Parse(bits),
            ActivationGranularity = granularity,
        }.WithSteps(3);

    private static FloatTensor Simulate(QuantizedModel quantized, INodeEvaluator evaluator) =>
        new GraphExecutor(
            quantized.Graph,
            quantized.DequantizeWeights(),
            new SimulatedEvaluator(evaluator, quantized.Layers, quantized.Scans)).Run(Images);

    /// <summary>
    /// The distance of the logits from the float model's, relative to the length of those: ‖a − b‖₂ / ‖b‖₂.
    /// </summary>
    private static double Error(QuantizedModel quantized)
    {
        using InferenceSession original = InferenceSession.Create(Model), session = InferenceSession.Create(quantized);
        FloatTensor expected = original.Run(Images);
        return TensorPrimitives.Distance<float>(
            expected.Span, session.Run(Images).Span) / TensorPrimitives.Norm<float>(expected.Span);
    }

    private static IEnumerable<FloatTensor> Split(FloatTensor images, int size)
    {
        int length = images.Length / images.Shape[0];
        for (int start = 0; start < images.Shape[0]; start += size)
        {
            int count = Math.Min(size, images.Shape[0] - start);
            yield return FloatTensor.From(
                [count, .. images.Shape.Sizes[1..]], images.Span.Slice(start * length, count * length));
        }
    }

    private sealed class Progress : IProgress<WorkProgress>
    {
        public List<string> Stages { get; } = [];

        public void Report(WorkProgress value) => Stages.Add(value.Stage);
    }
}
