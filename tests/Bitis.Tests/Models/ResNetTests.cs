using Bitis.Execution.LowBit;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Models.Catalogue;
using Bitis.Models.Reference;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Tests.Models;

public sealed class ResNetTests
{
    private static readonly ResNetConfig Config = new()
    {
        ImageSize = 18,
        Width = 8,
        Depths = [1, 2, 1],
        Groups = 4,
        Classes = 5,
    };

    [Fact]
    public void A_saved_model_is_read_back_and_the_runtime_equals_the_reference()
    {
        VisionModel model = VisionModel.CreateRandom(Config, seed: 3);
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "resnet.safetensors");
        model.Save(path);
        VisionModel read = VisionModel.Load(path);
        Assert.Equal(Config, read.Config);
        Assert.NotEqual(Config with { Depths = [1, 1, 2] }, read.Config);
        FloatTensor images = FloatTensor.From([3, 3, 18, 18], Sample.Floats(1, 3 * 3 * 18 * 18));
        FloatTensor expected = new GraphExecutor(model.Graph, model.Weights, ReferenceEvaluator.Instance).Run(images);
        using InferenceSession session = InferenceSession.Create(read);
        FloatTensor logits = session.Run(images);
        TensorAssert.Close(expected, logits, 1e-4, "logits");
        using var kernels = new VectorizedEvaluator();
        TensorAssert.Same(logits, new GraphExecutor(model.Graph, model.Weights, kernels).Run(images));
    }

    [Fact]
    public void Resnet_20_has_the_names_of_torchvision_and_the_size_of_the_paper()
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get("resnet-20", classes: 10), seed: 1);
        // 269,722 in the paper's form, without parameters in the shortcuts; convolutions 1×1 there with their norms,
        // and biases everywhere.
        Assert.Equal(
            269_722 + (16 * 32) + (32 * 64) + (2 * 96) + 688 + 96, model.Weights.Values.Sum(weight => weight.Length));
        Assert.Equal([64, 32, 3, 3], model.Weights["layer3.0.conv1.weight"].Shape.Sizes.ToArray());
        Assert.Equal([64, 32, 1, 1], model.Weights["layer3.0.downsample.0.weight"].Shape.Sizes.ToArray());
        Assert.Equal(
            20, model.Graph.Nodes.Count(node => node.Operator is Conv2d or GridConv2d { KernelSize: 3 } or Linear));
        Assert.Equal(9, model.Graph.Nodes.Max(node => node.Block) + 1);
    }

    [Fact]
    public void No_step_of_a_session_is_the_reference()
    {
        VisionModel model = VisionModel.CreateRandom(Config, seed: 1);
        using InferenceSession session = InferenceSession.Create(model);
        Assert.DoesNotContain(session.Profile(new FloatTensor(Config.InputShape.Prepend(1))), step =>
            step.Kind.Contains("reference", StringComparison.Ordinal));
    }

    [Fact]
    public void Values_that_do_not_fit_each_other_are_named()
    {
        Assert.Contains("3 groups", Assert.Throws<BitisException>((Config with { Groups = 3 }).Validate).Message);
        Assert.Contains("0 stages", Assert.Throws<BitisException>((Config with { Depths = [] }).Validate).Message);
        Assert.Contains(
            "depth of a stage is 0", Assert.Throws<BitisException>((Config with { Depths = [1, 0] }).Validate).Message);
    }

    [Fact]
    public void Hlq_keeps_a_quarter_of_the_inputs_of_its_layers()
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get("resnet-20", classes: 10), seed: 1);
        using var exact = new GradientExecutor(model.Graph, model.Weights, threads: 1);
        using var hlq = new GradientExecutor(
            model.Graph, model.Weights, threads: 1, new BackwardPolicy { Method = "hlq" });
        HashSet<string> layers = [.. hlq.Layers.Where(layer => layer.Method == "hlq").Select(layer => layer.Layer)];
        Assert.Equal(20, layers.Count); // all but the stem, which sees the image, and the head
        long Bytes(GradientExecutor executor) =>
            executor.KeptInputs.Where(kept => layers.Contains(kept.Layer)).Sum(kept => kept.Bytes);
        Assert.InRange((double)Bytes(hlq) / Bytes(exact), 0.2, 0.2501);
        Assert.True(hlq.MicroBatchArenaBytes < exact.MicroBatchArenaBytes);
    }
}
