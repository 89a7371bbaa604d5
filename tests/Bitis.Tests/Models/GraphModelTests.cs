using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Checkpoints.Safetensors;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Fuzz;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Models;
using Bitis.Models.Graphs;
using Bitis.Quantization.Methods;
using Bitis.Tensors;
using CustomBackbone;

namespace Bitis.Tests.Models;

public sealed class GraphModelTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public static TheoryData<string> Methods => [.. QuantizationMethod.Names];

    /// <summary>Changes of a config, and what the refusal says of each.</summary>
    public static TheoryData<string, string, string> Damages => new()
    {
        { "\"inputs\":[\"patches\"]", "\"inputs\":[\"head\"]", "'tokens' takes 'head', which is no node before it" },
        { "\"inputs\":[\"patches\"]", "\"inputs\":[\"tokens\"]", "'tokens' takes 'tokens'" },
        { "\"inputs\":[\"patches\"]", "\"inputs\":[]", "'tokens' does not fit" },
        { "\"name\":\"relu\"", "\"name\":\"grid\"", "already has a node named 'grid'" },
        { "\"name\":\"relu\"", "\"name\":\"\"", "does not fit" },
        { "\"type\":\"relu\"", "\"type\":\"tanh\"", "tanh" },
        { "\"output\":\"head\"", "\"output\":\"tail\"", "'tail' is none of its nodes" },
        { "\"output\":\"head\"", "\"output\":\"relu\"", "expected a logit for each of 3 classes" },
        { "\"version\":1", "\"version\":2", "version 2" },
        { "\"classes\":3", "\"classes\":4", "expected a logit for each of 4 classes" },
        { "\"imageSize\":8", "\"imageSize\":12", "'grid' does not fit" },
        { "\"imageChannels\":1", "\"imageChannels\":0", "imageChannels is 0" },
        { "\"parameters\":[\"p.w\",\"p.b\"]", "\"parameters\":[\"p.w\"]", "needs 2 parameter names" },
        { "\"parameters\":[\"p.w\",\"p.b\"]", "\"parameters\":[\"p.w\",\"p.w\"]", "does not fit" },
        { "\"block\":0", "\"block\":-1", "is in block -1" },
        { "\"groups\":2", "\"groups\":3", "'group_norm' does not fit" },
        { "\"heads\":2", "\"heads\":0", "heads" },
        { "\"position\":2", "\"position\":-3", "position" },
        { "\"factor\":0.5", "\"factor\":1e39", "" },
        { "\"sources\":[0,", "\"sources\":[99,", "does not fit" },
        { "\"sources\":[0,", "\"sources\":[4,", "does not fit" },
        { "\"epsilon\":1E-05", "\"epsilon\":-1", "epsilon" },
        { "\"hasBias\":false", "\"hasBias\":3", "hasBias" },
        { "\"kernel\":2", "\"kernel\":-1", "cannot have -1 as kernel" },
        { "\"type\":\"relu\"", "\"type\":\"relu\",\"kind\":\"\\ud800\"", "text that is not Unicode" },
        { "\"outFeatures\":8", "\"outFeatures\":-1", "cannot have -1 as output features" },
        { "\"inputs\":[\"group_norm\"]", "\"inputs\":[]", "not nothing." },
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Files_call_each_operator_by_its_kind()
    {
        JsonDerivedTypeAttribute[] written =
            [.. typeof(Operator).GetCustomAttributes(inherit: false).OfType<JsonDerivedTypeAttribute>()];
        Dictionary<Type, string> used = AllOperators.Build().Nodes.Skip(1).Select(node => node.Operator)
            .DistinctBy(op => op.GetType()).ToDictionary(op => op.GetType(), op => op.Kind);
        Assert.Equal(
            written.ToDictionary(type => type.DerivedType, type => (string)type.TypeDiscriminator!)
                .OrderBy(pair => pair.Value),
            used.OrderBy(pair => pair.Value));
    }

    [Fact]
    public void The_form_of_a_graph_in_files_stays_as_it_is()
    {
        string path = GoldenFiles.Path("graph-config.json");
        Assert.Equal(File.ReadAllText(path).Trim(), Config(AllOperators.Build()));
    }

    [Fact]
    public void A_saved_model_carries_its_graph()
    {
        VisionModel model = Random(AllOperators.Build()).WithClassNames(["a", "b", "c"]);
        string path = _folder["model.safetensors"];
        model.Save(path);
        VisionModel loaded = VisionModel.Load(path);
        Assert.Equal(model.Config, loaded.Config);
        Assert.Equal(model.ClassNames, loaded.ClassNames);
        Assert.Equal(1, loaded.Preprocessing.Channels);
        TensorAssert.Same(Logits(model), Logits(loaded));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Each_method_quantizes_all_of_it_and_files_give_the_same_logits(string method)
    {
        VisionModel model = Random(GrayMamba.Build());
        var recipe = new Recipe { Method = method, Bits = BitWidths.Parse("w8a8"), Scope = Scope.Full };
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            model, CalibrationSet.FromTensors(Sample(model, 4)), recipe, new QuantizationOptions { Threads = 1 });
        string path = _folder["model.bitis"];
        quantized.Save(path);
        QuantizedModel loaded = QuantizedModel.Load(path);
        Assert.Equal(quantized.Layers.Keys.Order(), loaded.Layers.Keys.Order());
        Assert.Contains("head", loaded.Layers.Keys);
        Assert.Contains("layers.1.mixer.in_proj", loaded.Layers.Keys);
        TensorAssert.Same(Logits(quantized), Logits(loaded));
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public void A_graph_that_is_none_is_refused(string found, string instead, string message)
    {
        string config = Config(AllOperators.Build());
        Assert.Contains(found, config);
        int place = config.IndexOf(found, StringComparison.Ordinal);
        string damaged = string.Concat(config.AsSpan(0, place), instead, config.AsSpan(place + found.Length));
        var metadata = new Dictionary<string, string> { ["config"] = damaged };
        BitisException refusal = Assert.Throws<BitisException>(
            () => MetadataJson.Read(metadata, "config", ModelJson.Default.ModelConfig).Validate());
        Assert.Contains(message, refusal.Message);
    }

    [Fact]
    public void A_long_chain_of_nodes_needs_no_stack()
    {
        const int Length = 16_000;
        var builder = new GraphBuilder([1, 2, 2]);
        Node x = builder.FlattenSpatial("tokens", builder.Input);
        for (int i = 0; i < Length; i++)
            x = i % 2 == 0 ? builder.ReverseTokens($"r{i}", x) : builder.Scale($"s{i}", x, 1);
        x = builder.Linear("head", builder.MeanTokens("mean", x), 2);
        VisionModel model = Random(builder.Build(x));
        string path = _folder["long.safetensors"];
        model.Save(path);
        VisionModel loaded = VisionModel.Load(path).WithNewHead(3, seed: 1);
        Assert.Equal(3, Logits(loaded).Shape[1]);
    }

    [Fact]
    public void Blocks_may_have_any_numbers()
    {
        var builder = new GraphBuilder([1, 4, 4]);
        Node x = builder.FlattenSpatial(
            "tokens", builder.Conv2d("patches", builder.Input, 8, kernelSize: 2, stride: 2));
        builder.Block = 7;
        x = builder.Add("sum", x, builder.Linear("later", builder.LayerNorm("norm", x), 8));
        builder.Block = 3;
        x = builder.Linear("sooner", builder.Silu("silu", x), 8);
        builder.Block = null;
        VisionModel model = Random(builder.Build(builder.Linear("head", builder.MeanTokens("mean", x), 2)));
        var recipe = new Recipe
        {
            Method = "ptq4vm+",
            Settings = new SmoothedLearningSettings { Learning = new() { Steps = 1 } },
        };
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            model, CalibrationSet.FromTensors(Sample(model, 2)), recipe, new QuantizationOptions { Threads = 1 });
        Assert.Equal(["later", "sooner"], quantized.Layers.Keys.Order());
        Assert.Equal(2, Logits(quantized).Shape[1]);
    }

    [Fact]
    public void A_new_head_needs_a_last_layer()
    {
        VisionModel model = Random(GrayMamba.Build());
        VisionModel other = model.WithNewHead(4, seed: 1);
        Assert.Equal((4, 10), (other.Config.Classes, model.Config.Classes));
        Assert.Same(model.Weights["patch_embed.weight"], other.Weights["patch_embed.weight"]);

        var builder = new GraphBuilder([1, 4, 4]);
        Node x = builder.Linear("head", builder.MeanTokens("mean", builder.FlattenSpatial("tokens", builder.Input)), 2);
        VisionModel scaled = Random(builder.Build(builder.Scale("temperature", x, 2)));
        Assert.Contains(
            "'temperature' is no linear layer",
            Assert.Throws<BitisException>(() => scaled.WithNewHead(3, seed: 1)).Message);
    }

    /// <summary>A small file may have thousands of layers that share their parameters.</summary>
    [Fact]
    public void Layers_that_share_parameters_are_packed_once()
    {
        using InferenceSession one = InferenceSession.Create(Chain(layers: 1)),
            ten = InferenceSession.Create(Chain(layers: 10));
        Assert.Equal(one.WeightBytes, ten.WeightBytes);
        Assert.True(one.WeightBytes >= 2 * 16 * 16 * sizeof(float));
        VisionModel model = Chain(layers: 10);
        FloatTensor images = Sample(model, 2);
        FloatTensor expected = new GraphExecutor(model.Graph, model.Weights, ReferenceEvaluator.Instance).Run(images);
        TensorAssert.Close(expected, ten.Run(images), 1e-4);

        VisionModel Chain(int layers)
        {
            var graph = new GraphBuilder([1, 4, 4]);
            Node x = graph.Conv2d("patch", graph.Input, outChannels: 16, kernelSize: 4, stride: 4);
            x = graph.FlattenSpatial("tokens", x);
            for (int i = 0; i < layers; i++)
                x = graph.Linear($"layers.{i}", x, 16, parameters: ["shared.weight", "shared.bias"]);
            return Random(graph.Build(graph.Linear("head", graph.MeanTokens("mean", x), 16)));
        }
    }

    [Fact]
    public void Weights_and_shapes_that_do_not_fit_are_refused()
    {
        Graph graph = GrayMamba.Build();
        Dictionary<string, FloatTensor> weights = new(Random(graph).Weights);
        Assert.Contains("'head.weight'", Refusal(name: "head.weight", value: null));
        Assert.Contains("'more' is no parameter", Refusal("more", new FloatTensor([1])));
        Assert.Contains(
            "'head.bias' holds NaN",
            Refusal("head.bias", FloatTensor.From([10], [0, 0, 0, 0, float.NaN, 0, 0, 0, 0, 0])));
        Assert.Contains("layers.0.mixer.A_log", Refusal("layers.0.mixer.A_log", Filled([64, 8], 1000)));
        VisionModel.FromGraph(graph, weights);
        Assert.Contains("channels", Assert.Throws<BitisException>(
            () => VisionModel.FromGraph(graph, weights, Preprocessing.ForSize(GrayMamba.ImageSize))).Message);

        var wide = new GraphBuilder([1, 4, 8]);
        Assert.Contains("square", Assert.Throws<BitisException>(
            () => new GraphConfig(
                wide.Build(wide.MeanTokens("mean", wide.FlattenSpatial("tokens", wide.Input))))).Message);
        var tokens = new GraphBuilder([1, 4, 4]);
        Assert.Contains("logits", Assert.Throws<BitisException>(
            () => new GraphConfig(tokens.Build(tokens.FlattenSpatial("tokens", tokens.Input)))).Message);

        string Refusal(string name, FloatTensor? value)
        {
            var changed = new Dictionary<string, FloatTensor>(weights);
            changed.Remove(name);
            if (value is not null)
                changed.Add(name, value);
            return Assert.ThrowsAny<Exception>(() => VisionModel.FromGraph(graph, changed)).Message;
        }
    }

    [Fact]
    public void What_could_not_be_read_again_is_not_written()
    {
        VisionModel model = Random(GrayMamba.Build());
        Assert.Throws<ArgumentException>(() => model.WithClassNames(new string[10]));
        var weights = new Dictionary<string, FloatTensor>(model.Weights) { ["head.bias"] = Filled([10], float.NaN) };
        string path = _folder["nan.safetensors"];
        BitisException refusal = Assert.Throws<BitisException>(() => model.WithWeights(weights).Save(path));
        Assert.Contains("'head.bias' holds NaN", refusal.Message);
        Assert.False(File.Exists(path));
        weights["head.bias"] = null!;
        Assert.Throws<ArgumentException>(() => model.WithWeights(weights));
        Assert.Throws<ArgumentNullException>(
            () => PostTrainingQuantizer.Quantize(model, CalibrationSet.FromTensors(null!), new Recipe()));
    }

    [Fact]
    public void It_learns_from_gray_images_and_what_it_learned_is_a_model_file()
    {
        Graph graph = GrayMamba.Build();
        var images = new SyntheticImageSource(12, GrayMamba.ImageSize, 10, seed: 1);
        var recipe = new TrainingRecipe
        {
            Config = new GraphConfig(graph),
            Epochs = 1,
            BatchSize = 4,
            WarmUpEpochs = 0,
            LearningRate = 0.01,
        };
        Trainer trainer = Trainer.Create(recipe, new TrainingData(images, images), _folder["run"]);
        trainer.Run();
        VisionModel learned = VisionModel.Load(Path.Combine(_folder["run"], "final.safetensors"));
        Assert.Equal(new GraphConfig(graph), learned.Config);
        Assert.NotEqual(0, learned.Weights["head.bias"].Span[0]);
    }

    [Fact]
    public void Fresh_weights_are_those_of_a_Mamba()
    {
        IReadOnlyDictionary<string, FloatTensor> weights = new GraphConfig(GrayMamba.Build()).CreateWeights(seed: 3);
        Assert.All(weights["layers.1.mixer.D"].Span.ToArray(), d => Assert.Equal(1, d));
        Assert.Equal(MathF.Log(3), weights["layers.0.mixer.A_log"].Span[2], 1e-6f);
        Assert.All(weights["norm_f.weight"].Span.ToArray(), weight => Assert.Equal(1, weight));
        Assert.All(weights["head.bias"].Span.ToArray(), bias => Assert.Equal(0, bias));
        Assert.All(
            weights["layers.0.mixer.dt_proj.bias"].Span.ToArray(),
            bias => Assert.InRange(MathF.Log(1 + MathF.Exp(bias)), 0.00099f, 0.1001f));
    }

    private static string Config(Graph graph) =>
        JsonSerializer.Serialize(new GraphConfig(graph), ModelJson.Default.ModelConfig);

    private static VisionModel Random(Graph graph) => VisionModel.CreateRandom(new GraphConfig(graph), seed: 5);

    private static FloatTensor Sample(VisionModel model, int count)
    {
        FloatTensor images = FloatTensor.Uninitialized(model.Config.InputShape.Prepend(count));
        var random = SeededRandom.ForPart(9, 0);
        foreach (ref float value in images.Span)
            value = (float)random.NextNormal();
        return images;
    }

    private static FloatTensor Filled(Shape shape, float value)
    {
        var tensor = new FloatTensor(shape);
        tensor.Span.Fill(value);
        return tensor;
    }

    private static FloatTensor Logits(VisionModel model)
    {
        using InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 1 });
        return session.Run(Sample(model, 2));
    }

    private static FloatTensor Logits(QuantizedModel model)
    {
        using InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 1 });
        FloatTensor images = FloatTensor.Uninitialized(model.Config.InputShape.Prepend(2));
        for (int i = 0; i < images.Length; i++)
            images.Span[i] = MathF.Sin(i);
        return session.Run(images);
    }
}
