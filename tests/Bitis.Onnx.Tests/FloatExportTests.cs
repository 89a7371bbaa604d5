using Bitis.Fuzz;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Models.Catalogue;
using Bitis.Models.Segmentation;
using Bitis.Models.VMamba;
using Bitis.Onnx.Operators;
using Bitis.Tensors;
using Bitis.Tests;
using Bitis.Tests.RandomGraphs;

namespace Bitis.Onnx.Tests;

/// <summary>ONNX Runtime computes what sessions of float32 models compute.</summary>
public sealed class FloatExportTests
{
    private const double Tolerance = 1e-4;

    private static readonly SessionOptions OneThread = new() { Threads = 1 };

    public static TheoryData<string> Micro => [.. MicroModels.Configs.Keys];

    public static TheoryData<string> Shipped => [.. ShippedModels.Names];

    public static TheoryData<string> Small => [.. SmallModels.Names];

    [Theory]
    [MemberData(nameof(Micro))]
    public void Families_and_their_forms(string name)
    {
        VisionModel model = MicroModels.Create(name);
        for (int opset = OnnxOptions.FirstOpset; opset <= OnnxOptions.LastOpset; opset++)
            RequireSame(model, batch: 3, new OnnxOptions { Opset = opset });
        RequireSame(model, batch: 2, new OnnxOptions { UsesLinearAttention = true });
    }

    [Theory]
    [MemberData(nameof(Shipped))]
    public void Shipped_models(string name) => RequireSame(VisionModel.LoadShipped(name), batch: 2);

    [Theory]
    [MemberData(nameof(Small))]
    public void Small_models(string name) =>
        RequireSame(VisionModel.CreateRandom(SmallModels.Get(name, classes: 1000), seed: 2), batch: 2);

    [Theory]
    [InlineData("vim-tiny")]
    [InlineData("vmamba-tiny")]
    [InlineData("localvim-tiny")]
    [InlineData("localvmamba-tiny")]
    [Trait("Speed", "Slow")]
    public void Published_models(string name) =>
        RequireSame(VisionModel.CreateRandom(ModelCatalogue.Variants.First(v => v.Name == name).Config, 1), batch: 1);

    [Fact]
    public void Random_graphs()
    {
        const int count = 150;
        int decided = 0;
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = 2 }, seed =>
        {
            Graph graph = GraphGenerator.Generate((ulong)seed).WithLogits().Build();
            Dictionary<string, FloatTensor> weights = GraphWeights.Of(graph, (ulong)seed);
            FloatTensor images = GraphWeights.Images(graph, 3, (ulong)seed);
            VisionModel model;
            try
            {
                model = VisionModel.FromGraph(graph, weights);
            }
            catch (BitisException)
            {
                return; // a model takes fewer graphs than a plan: square images, one vector of logits
            }
            FloatTensor expected = Expected(model, images), actual = OnnxSession.Run(
                model, images, new OnnxOptions { Opset = 17 + (seed % 5), UsesLinearAttention = seed % 7 == 0 });
            Assert.Equal(expected.Shape, actual.Shape);
            TensorAssert.Close(expected, actual, Tolerance, $"seed {seed}");
            Interlocked.Increment(ref decided);
        });
        Assert.InRange(decided, count / 3, count);
    }

    [Theory]
    [InlineData(true, 40)]
    [InlineData(false, 32)]
    public void Segmentation_gives_logits_of_each_pixel(bool isUPer, int size)
    {
        HeadKind kind = isUPer ? HeadKind.UPer : HeadKind.Fcn;
        var backbone = new VMambaConfig
        {
            ImageSize = size,
            Classes = 5,
            Depths = [1, 1, 1, 1],
            Width = 8,
            InnerWidth = 8,
            MlpWidth = 16,
        };
        var head = new HeadConfig { Kind = kind, Channels = 6, Stage = 2, Convolutions = 2, ConcatenatesInput = true };
        VisionModel model = VisionModel.CreateRandom(
            new VMambaSegmentationConfig(backbone, head) { AuxiliaryHead = head with { Kind = HeadKind.Fcn } }, 3);
        FloatTensor images = MicroModels.Images(model.Config, 2);
        using SegmentationSession session = SegmentationSession.Create(model, OneThread);
        TensorAssert.Close(session.Run(images), OnnxSession.Run(model, images), Tolerance);
    }

    [Fact]
    public void Each_operator_has_a_row() => Assert.All(
        typeof(Operator).Assembly.GetTypes().Where(type => type is { IsAbstract: false, Namespace: { } room }
            && type.IsSubclassOf(typeof(Operator)) && room.StartsWith("Bitis.Graphs", StringComparison.Ordinal)),
        type => Assert.True(type == typeof(Input) || OperatorTable.Covers(type), type.Name));

    [Fact]
    public void An_operator_without_a_row_is_refused_by_name()
    {
        var builder = new GraphBuilder([1, 2, 2]);
        Graph graph = builder.Build(builder.Add("odd", new Odd(), builder.Input));
        var writer = new ModelWriter(graph, new Dictionary<string, FloatTensor>(), new OnnxOptions());
        BitisException refusal = Assert.Throws<BitisException>(
            () => writer.Write(graph.Output, node => OperatorTable.Write(writer, node)));
        Assert.Contains("'input'", refusal.Message, StringComparison.Ordinal); // the image has no row either
        refusal = Assert.Throws<BitisException>(() => OperatorTable.Write(writer, graph.Output));
        Assert.Equal(
            "The operator 'odd' of 'odd' cannot be exported to ONNX: there is no rule for it.", refusal.Message);
    }

    private static void RequireSame(VisionModel model, int batch, OnnxOptions? options = null)
    {
        FloatTensor images = MicroModels.Images(model.Config, batch);
        FloatTensor actual = OnnxSession.Run(model, images, options), expected = Expected(model, images);
        Assert.Equal(expected.Shape, actual.Shape);
        TensorAssert.Close(expected, actual, Tolerance, $"opset {options?.Opset}");
    }

    private static FloatTensor Expected(VisionModel model, FloatTensor images)
    {
        if (model.Config is IDenseConfig)
        {
            using SegmentationSession maps = SegmentationSession.Create(model, OneThread);
            return maps.Run(images);
        }
        using InferenceSession session = InferenceSession.Create(model, OneThread);
        return session.Run(images);
    }

    /// <summary>An operator that the table does not know.</summary>
    private sealed record Odd : Operator
    {
        public override string Kind => "odd";

        public override Shape OutputShape(ReadOnlySpan<Shape> inputs) => inputs[0];

        public override FloatTensor Forward(
            ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters) => inputs[0];
    }
}
