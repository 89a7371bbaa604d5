using System.Runtime.InteropServices;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Execution.Planning;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators.Grids;
using Bitis.Models;
using Bitis.Models.Detection;
using Bitis.Models.Segmentation;
using Bitis.Models.VMamba;

namespace Bitis.Tests.Models;

/// <summary>VMamba with heads: what checkpoints tell, what is refused, and what is computed together.</summary>
public sealed class SegmentationModelTests : IDisposable
{
    private static readonly VMambaConfig Backbone = new()
    {
        ImageSize = 32,
        Classes = 5,
        Depths = [1, 1, 1, 1],
        Width = 8,
        InnerWidth = 8,
        MlpWidth = 16,
    };

    private static readonly HeadConfig Fcn = new()
    {
        Kind = HeadKind.Fcn,
        Channels = 6,
        Stage = 2,
        Convolutions = 2,
        ConcatenatesInput = true,
    };

    private static readonly HeadConfig UPer = new() { Kind = HeadKind.UPer, Channels = 6 };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Names_and_shapes_tell_the_heads()
    {
        VMambaSegmentationConfig[] configs =
        [
            new(Backbone, Fcn),
            new(Backbone, Fcn with { Stage = 0, Convolutions = 1, ConcatenatesInput = false, KernelSize = 1 }),
            new(Backbone, UPer) { AuxiliaryHead = Fcn },
        ];
        foreach (VMambaSegmentationConfig config in configs)
        {
            VisionModel model = VisionModel.CreateRandom(config, seed: 3);
            VisionModel loaded = VisionModel.Load(Write(model, _ => true), new ModelOptions { ImageSize = 32 });
            Assert.Equal(config, loaded.Config);
            Assert.Equal(32, loaded.Preprocessing.ResizeShorterSide);
            FloatTensor image = FloatTensor.From([1, 3, 24, 40], Sample.Floats(1, 3 * 24 * 40));
            using SegmentationSession first = SegmentationSession.Create(model),
                second = SegmentationSession.Create(loaded);
            TensorAssert.Same(first.Run(image), second.Run(image));
            Graph graph = config.BuildGraph(24, 40);
            FloatTensor tokens = new GraphExecutor(graph, model.Weights, ReferenceEvaluator.Instance).Run(image);
            (int height, int width) = config.MapSize(24, 40);
            FloatTensor expected = new GridResize(height, width, 24, 40).Forward([tokens], []);
            TensorAssert.Close(expected, SegmentationGoldenTests.ToTokens(first.Run(image)), 1e-4);
        }
    }

    [Theory]
    [InlineData("decode_head.fpn_bottleneck", "neither a UPerHead nor an FCNHead")]
    [InlineData("decode_head.psp_modules.3", "pools at 3 scales")]
    [InlineData("decode_head.lateral_convs.2", "reads 3 maps")]
    [InlineData("backbone.layers", "its backbone is no VMamba")]
    [InlineData("backbone.outnorm1.weight", "'backbone.outnorm1.weight' is missing")]
    public void What_is_no_such_head_is_refused(string leftOut, string message)
    {
        VisionModel model = VisionModel.CreateRandom(new VMambaSegmentationConfig(Backbone, UPer), seed: 3);
        string path = Write(model, name => !name.StartsWith(leftOut, StringComparison.Ordinal));
        var e = Assert.Throws<BitisException>(() => VisionModel.Load(path));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Impossible_heads_are_refused()
    {
        VMambaSegmentationConfig good = new(Backbone, Fcn);
        good.Validate();
        VMambaSegmentationConfig[] bad =
        [
            good with { DecodeHead = null! },
            good with { DecodeHead = Fcn with { Channels = 0 } },
            good with { DecodeHead = Fcn with { Stage = 4 } },
            good with { DecodeHead = Fcn with { Convolutions = 0 } },
            good with { DecodeHead = Fcn with { KernelSize = 2 } },
            good with { AuxiliaryHead = UPer with { Kind = (HeadKind)7 } },
            good with { Palette = ["000000"] },
            good with { Palette = ["000000", "000000", "000000", "000000", "00000G"] },
        ];
        Assert.All(bad, config => Assert.Throws<BitisException>(config.Validate));
    }

    [Fact]
    public void What_is_computed_together_has_the_same_bits()
    {
        VisionModel model = SegmentationGoldenTests.Load();
        Graph graph = ((IDenseConfig)model.Config).BuildGraph(40, 56);
        var folding = new NormFolding(GraphSegment.Leading(graph, graph.Output));
        var fused = FusionPass.Run(folding.Graph, FusionRules.Inference);
        FusedGridConvolution[] convolutions = [.. fused.Operations.OfType<FusedGridConvolution>()];
        Assert.Equal(2, convolutions.Count(operation => operation.Concat is not null));
        Assert.Equal(12, convolutions.Count(operation => operation.Relu is not null));
        Assert.Equal(3, fused.Operations.OfType<FusedResizeSum>().Count());
        Assert.DoesNotContain(folding.Graph.Nodes, node => node.Operator is BatchNorm);
        IReadOnlyDictionary<string, FloatTensor> weights = folding.WeightsOf(model.Weights);
        FloatTensor image = FloatTensor.From([1, 3, 40, 56], Sample.Floats(1, 3 * 40 * 56));
        using var evaluator = new VectorizedEvaluator(threads: 1);
        FloatTensor expected = new GraphExecutor(folding.Graph, weights, evaluator).Run(image);
        using NodePlan plan = NodePlan.Create(
            folding.Graph, weights, new Dictionary<string, Bitis.Quantization.QuantizedLayer>(),
            new Dictionary<string, Bitis.Quantization.Scans.QuantizedScan>());
        TensorAssert.Same(expected, plan.Run([image], new ParallelOptions { MaxDegreeOfParallelism = 2 }));
    }

    /// <summary>Writes a model's official tensors without a description.</summary>
    private string Write(VisionModel model, Func<string, bool> keeps)
    {
        string path = _folder["official.safetensors"];
        SafetensorsWriter.Write(path, [
            .. new CheckpointLayout(model.Config, model.Graph).Join(model.Weights)
                .Where(pair => keeps(pair.Key)).Select(pair => new SafetensorsTensor(
                    pair.Key, DType.Float32, pair.Value.Shape, MemoryMarshal.AsBytes(pair.Value.Span).ToArray()))]);
        return path;
    }
}
