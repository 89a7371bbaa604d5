using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Models.Catalogue;
using Bitis.Models.Reference;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Tests.Models;

public sealed class VitTests
{
    private static readonly VitConfig Config = new()
    {
        ImageSize = 16,
        PatchSize = 4,
        Width = 48,
        Depth = 2,
        Heads = 3,
        HiddenWidth = 96,
        Classes = 5,
    };

    [Fact]
    public void A_saved_model_is_read_back_and_the_runtime_equals_the_reference()
    {
        VisionModel model = VisionModel.CreateRandom(Config, seed: 3);
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "vit.safetensors");
        model.Save(path);
        VisionModel read = VisionModel.Load(path);
        Assert.Equal(Config, read.Config);
        FloatTensor images = FloatTensor.From([3, 3, 16, 16], Sample.Floats(1, 3 * 3 * 16 * 16));
        FloatTensor expected = new GraphExecutor(model.Graph, model.Weights, ReferenceEvaluator.Instance).Run(images);
        using InferenceSession session = InferenceSession.Create(read);
        TensorAssert.Close(expected, session.Run(images), 1e-4, "logits");
    }

    [Fact]
    public void It_has_the_names_and_the_size_of_timm()
    {
        VisionModel model = VisionModel.CreateRandom(
            Config with { ImageSize = 224, PatchSize = 16, Width = 192, Depth = 12, HiddenWidth = 768, Classes = 1000 },
            seed: 1);
        Assert.Equal(5_717_416, model.Weights.Values.Sum(weight => (long)weight.Length)); // vit_tiny_patch16_224
        Assert.Contains("blocks.11.attn.qkv.weight", model.Weights.Keys);
        Assert.Equal([1, 197, 192], model.Weights["pos_embed"].Shape.Sizes.ToArray());
    }

    [Fact]
    public void Values_that_do_not_fit_each_other_are_named()
    {
        Assert.Contains("7 heads", Assert.Throws<BitisException>((Config with { Heads = 7 }).Validate).Message);
        Assert.Contains(
            "patchSize is 5", Assert.Throws<BitisException>((Config with { PatchSize = 5 }).Validate).Message);
    }

    [Fact]
    public void Hlq_keeps_a_quarter_of_the_inputs_of_its_layers_at_most()
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get("vit-mini", classes: 10), seed: 1);
        using var exact = new GradientExecutor(model.Graph, model.Weights, threads: 1);
        using var hlq = new GradientExecutor(
            model.Graph, model.Weights, threads: 1, new BackwardPolicy { Method = "hlq" });
        Assert.Equal(4 * 6, hlq.Layers.Count(layer => layer.Method == "hlq"));
        Assert.True(
            hlq.KeptInputBytes <= 0.25 * exact.KeptInputBytes, $"{hlq.KeptInputBytes} of {exact.KeptInputBytes}");
        Assert.True(hlq.MicroBatchArenaBytes < exact.MicroBatchArenaBytes);
    }
}
