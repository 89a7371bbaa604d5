using Bitis.Checkpoints;
using Bitis.Graphs;
using Bitis.Models.Segmentation;

namespace Bitis.Tests.Models;

/// <summary>VMamba with heads against the activations and logits of the official implementation.</summary>
public sealed class SegmentationGoldenTests
{
    private const double Tolerance = 1e-4;
    private const string Name = "vmamba-seg-micro";

    [Fact]
    public void The_reference_equals_the_official_activations()
    {
        using Checkpoint golden = Open(Name);
        Dictionary<string, FloatTensor> values = Record(golden.Read("input"));
        string[] entries =
        [
            .. golden.Entries.Select(entry => entry.Name).Where(
                name => name.StartsWith("act.", StringComparison.Ordinal)),
        ];
        Assert.Equal(35, entries.Length);
        foreach (string entry in entries)
        {
            FloatTensor actual = values[NodeOf(entry["act.".Length..])];
            TensorAssert.Close(ToTokens(golden.Read(entry)), actual, Tolerance, entry);
        }
        AssertOutputs(golden, values, suffix: "");
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void Images_may_have_any_height_and_width(string image)
    {
        using Checkpoint golden = Open($"{Name}-odd");
        AssertOutputs(golden, Record(golden.Read($"input.{image}")), $".{image}");
    }

    internal static Checkpoint Open(string name) => Checkpoint.Open(GoldenFiles.Path($"{name}.golden.safetensors"));

    internal static VisionModel Load() => VisionModel.Load(GoldenFiles.Path($"{Name}.pth"));

    /// <summary><c>[batch, channels, height, width]</c> to <c>[batch, height·width, channels]</c>.</summary>
    internal static FloatTensor ToTokens(FloatTensor maps) =>
        new Bitis.Graphs.Operators.Tokens.FlattenSpatial().Forward([maps], []);

    /// <summary>The values of all nodes for an image.</summary>
    private static Dictionary<string, FloatTensor> Record(FloatTensor input)
    {
        VisionModel model = Load();
        Graph graph = ((IDenseConfig)model.Config).BuildGraph(input.Shape[2], input.Shape[3]);
        Assert.Equal(
            model.Graph.Parameters.Select(parameter => (parameter.Name, parameter.Shape)),
            graph.Parameters.Select(parameter => (parameter.Name, parameter.Shape)));
        var recorder = new RecordingEvaluator();
        FloatTensor logits = new GraphExecutor(graph, model.Weights, recorder).Run(input);
        Assert.Same(recorder.Values[graph.Output.Name], logits);
        return recorder.Values;
    }

    private static void AssertOutputs(Checkpoint golden, Dictionary<string, FloatTensor> values, string suffix)
    {
        for (int stage = 0; stage < 4; stage++)
            Assert(values[$"backbone.outnorm{stage}"], $"out.{stage}{suffix}");
        Assert(values["decode_head.conv_seg"], $"decode.logits{suffix}");
        Assert(values["auxiliary_head.conv_seg"], $"aux.logits{suffix}");

        void Assert(FloatTensor actual, string name) =>
            TensorAssert.Close(ToTokens(golden.Read(name)), actual, Tolerance, name);
    }

    /// <summary>The node that computes what an official module does.</summary>
    private static string NodeOf(string module) => module switch
    {
        "backbone.patch_embed" => "backbone.patch_embed.7",
        _ when module.EndsWith(".downsample", StringComparison.Ordinal) => $"{module}.3",
        _ when module.Split('_', '.')[0] is "psp" or "fpn" or "topdown" =>
            $"decode_head.{module}",
        _ => module,
    };
}
