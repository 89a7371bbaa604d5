using Bitis.Execution.Gradients;
using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Models.Catalogue;
using Bitis.Training;

namespace Bitis.Tests.Training;

public sealed class FrozenLayersTests
{
    public static TheoryData<string, string, string[]> Cases => new()
    {
        // all below a block
        { "vim-micro", "exact", ["patch_embed*", "cls_token", "pos_embed", "layers.0.*", "layers.1.*"] },
        { "vim-micro", "hlq", ["layers.2.mixer.in_proj", "layers.3.*"] }, // some between those that learn
        { "vim-micro", "exact", ["head", "norm_f", "layers.5.*"] }, // the last ones
        { "localvim-micro", "exact", ["layers.0.*", "patch_embed*", "*pos_embed*"] },
        { "localvmamba-micro", "hlq", ["patch_embed*", "layers.0.*"] },
        { "vmamba-micro", "exact", ["*.op.*"] },
        {
            "vit-mini",
            "hlq",
            ["patch_embed*", "cls_token", "pos_embed", "blocks.0.*", "blocks.1.attn.qkv", "blocks.4.mlp.fc1"]
        },
        { "resnet-20", "exact", ["conv1", "norm1", "layer1.*", "layer2.1.conv2"] },
        { "resnet-20", "hlq", ["conv1", "norm1", "layer1.*", "layer2.0.conv1", "layer3.1.conv2"] },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void What_learns_has_the_gradients_that_it_has_when_all_learns(
        string architecture, string method, string[] patterns)
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get(architecture, classes: 3), seed: 1);
        var frozen = new FrozenLayers(model.Graph, patterns);
        var policy = new BackwardPolicy { Method = method };
        FloatTensor images = FloatTensor.From([2, 3, 32, 32], Sample.Floats(1, 2 * 3 * 32 * 32)),
            targets = FloatTensor.From([2, 3], [1, 0, 0, 0, 0, 1]);
        using var all = new GradientExecutor(model.Graph, model.Weights, threads: 1, policy);
        using var some = new GradientExecutor(model.Graph, model.Weights, threads: 1, policy, frozen);
        Assert.Equal(all.Run(images, targets, seed: 3).Loss, some.Run(images, targets, seed: 3).Loss);
        Assert.Equal(frozen.Learning.Select(parameter => parameter.Name), some.Gradients.Keys);
        Assert.InRange(some.Gradients.Count, 1, all.Gradients.Count - 1);
        foreach ((string name, FloatTensor gradient) in some.Gradients)
            Assert.True(all.Gradients[name].Span.SequenceEqual(gradient.Span), name);

        Assert.DoesNotContain(some.KeptInputs, kept => frozen.IsFrozen(model.Graph[kept.Layer]));
        Assert.True(some.KeptInputBytes < all.KeptInputBytes);
        Assert.True(some.MicroBatchArenaBytes <= all.MicroBatchArenaBytes);
    }

    [Fact]
    public void Nothing_flows_back_below_the_lowest_layer_that_learns()
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get("vit-mini", classes: 3), seed: 1);
        var frozen = new FrozenLayers(model.Graph, ["patch_embed*", "cls_token", "pos_embed", "blocks.*"]);
        var policy = new BackwardPolicy { Method = "hlq" };
        using var executor = new GradientExecutor(model.Graph, model.Weights, threads: 1, policy, frozen);
        executor.Times = new OperationTimes();
        executor.Run(new FloatTensor([1, 3, 32, 32]), FloatTensor.From([1, 3], [1, 0, 0]));
        Assert.Equal(
            ["layer_norm", "linear", "select_token"],
            executor.Times.Totals.Where(entry => entry.IsBackward).Select(entry => entry.Kind).Order());
        Assert.Equal(LayerBackward.None, executor.Layers.Single(layer => layer.Layer == "blocks.5.mlp.fc2").Method);
        Assert.Equal(["head"], executor.KeptInputs.Select(kept => kept.Layer));
        // What goes forward is kept by nobody: the micro-batch holds the values of a block at most.
        using var all = new GradientExecutor(model.Graph, model.Weights, threads: 1);
        Assert.True(
            executor.MicroBatchArenaBytes < all.MicroBatchArenaBytes / 3,
            $"{executor.MicroBatchArenaBytes} of {all.MicroBatchArenaBytes}");
    }

    [Fact]
    public void Layers_that_share_a_parameter_are_frozen_together()
    {
        var b = new GraphBuilder([3, 4, 4]);
        Node x = b.Add(
            "tokens", new FlattenSpatial(), b.Add("embed", new Conv2d(3, 8, 1, 1, 0, HasBias: true), b.Input));
        x = b.Add("first", new Linear(8, 8, HasBias: false), [x], ["shared.weight"]);
        x = b.Add("second", new Linear(8, 8, HasBias: false), [x], ["shared.weight"]);
        Graph graph = b.Build(b.Add("mean", new MeanTokens(), x));
        string message = Assert.Throws<BitisException>(() => new FrozenLayers(graph, ["first", "embed"])).Message;
        Assert.Contains("'first' cannot be frozen: it shares the parameter 'shared.weight' with 'second'", message);
        var both = new FrozenLayers(graph, ["first", "second"]);
        Assert.Equal(["embed.weight", "embed.bias"], both.Learning.Select(parameter => parameter.Name));
        Assert.True(both.IsFrozen(graph["first"]));
        Assert.True(both.IsFrozen(graph["second"]));
        var none = new FrozenLayers(graph, ["embed"]);
        Assert.False(none.IsFrozen(graph["first"]));
        Assert.True(none.IsDifferentiated(graph["first"]));
        Assert.False(none.IsDifferentiated(graph["tokens"]));
    }

    [Fact]
    public void Patterns_must_match_and_must_leave_something()
    {
        Graph graph = SmallModels.Get("vim-micro", classes: 3).BuildGraph();
        Assert.Contains(
            "'blocks.*'",
            Assert.Throws<BitisException>(() => new FrozenLayers(graph, ["layers.*", "blocks.*"])).Message);
        Assert.Contains(
            "freeze all layers", Assert.Throws<BitisException>(() => new FrozenLayers(graph, ["*"])).Message);
    }
}
