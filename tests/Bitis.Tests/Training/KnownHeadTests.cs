using Bitis.Data;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Models.Graphs;
using Bitis.Training;

namespace Bitis.Tests.Training;

public sealed class KnownHeadTests
{
    private static readonly VisionModel Model =
        VisionModel.CreateRandom(TinyTraining.Config, seed: 5).WithClassNames(["a", "b", "c"]);

    [Fact]
    public void Classes_that_the_model_has_keep_their_rows()
    {
        (VisionModel changed, int kept) = KnownHead.For(Model, ["C", "new", "a", "other"], seed: 1);
        Assert.Equal((4, 2), (changed.Config.Classes, kept));
        Assert.Equal(["C", "new", "a", "other"], changed.ClassNames);
        FloatTensor before = Model.Weights["head.weight"], after = changed.Weights["head.weight"];
        Assert.Equal(Row(before, 2, 3), Row(after, 0, 4));
        Assert.Equal(Row(before, 0, 3), Row(after, 2, 4));
        Assert.Equal(Row(Model.WithNewHead(4, 1).Weights["head.weight"], 1, 4), Row(after, 1, 4));
        Assert.Equal(Model.Weights["head.bias"].Span[2], changed.Weights["head.bias"].Span[0]);
    }

    [Fact]
    public void A_head_that_shares_a_parameter_is_refused()
    {
        var graph = new GraphBuilder([3, 8, 8]);
        Node tokens = graph.Add("tokens", new FlattenSpatial(), graph.Input);
        Node x = graph.Add("embed", new Linear(3, 6, HasBias: true), graph.Add("mean", new MeanTokens(), tokens));
        var square = new Linear(6, 6, HasBias: true);
        x = graph.Add("inner", square, [x], ["shared", "inner.bias"]);
        Node head = graph.Add("head", square, [graph.Add("relu", new Relu(), x)], ["shared", "head.bias"]);
        VisionModel model = VisionModel.CreateRandom(new GraphConfig(graph.Build(head)), seed: 1)
            .WithClassNames(["a", "b", "c", "d", "e", "f"]);
        const string Message = "The head 'head' shares the parameter 'shared' with 'inner'";
        Action[] changes =
        [
            () => model.WithNewHead(6, seed: 2),
            () => model.WithNewHead(4, seed: 2),
            () => KnownHead.For(model, ["f", "e", "d", "c", "b", "a"], seed: 2),
        ];
        Assert.All(changes, change => Assert.Contains(Message, Assert.Throws<BitisException>(change).Message));
    }

    [Fact]
    public void A_training_starts_with_a_model_of_the_same_classes_in_its_own_order()
    {
        using var folder = new TempFolder();
        var data = new TrainingData(TinyTraining.Images(14, seed: 1), null);
        string[] names = [.. data.ClassNames!];
        VisionModel initial = Model.WithClassNames([names[2], names[0], names[1]]);
        Trainer trainer = Trainer.Create(TinyTraining.Recipe, data, folder["run"], initial: initial);
        Assert.Equal(Row(Model.Weights["head.weight"], 0, 3), Row(trainer.Model.Weights["head.weight"], 2, 3));

        BitisException e = Assert.Throws<BitisException>(
            () => Trainer.Create(TinyTraining.Recipe, data, folder["other"], initial: Model));
        Assert.Contains("other classes than the training images: it has 'a', 'b', 'c'", e.Message);
        Assert.Contains("finetune", e.Message);
    }

    [Fact]
    public void Validation_images_count_by_name()
    {
        using var folder = new TempFolder();
        ImageSource training = TinyTraining.Images(14, seed: 1), validation = TinyTraining.Images(9, seed: 2);
        LabeledImage[] images = [.. Enumerable.Range(0, validation.Count).Select(validation.ReadLabeled)];
        var reversed = new InMemoryImageSource(
            [.. images.Select(image => image with { Label = 2 - image.Label })], [.. validation.ClassNames!.Reverse()]);
        double?[] top1 =
        [
            .. ((ImageSource[])[validation, reversed]).Select((source, index) =>
                Trainer.Create(TinyTraining.Recipe, new TrainingData(training, source), folder[$"run{index}"])
                    .Run()[^1].ValidationTop1),
        ];
        Assert.Equal(top1[0], top1[1]);
    }

    private static float[] Row(FloatTensor tensor, int row, int rows)
    {
        int length = tensor.Length / rows;
        return tensor.Span.Slice(row * length, length).ToArray();
    }
}
