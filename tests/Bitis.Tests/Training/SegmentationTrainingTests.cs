using Bitis.Data.BuiltIn;
using Bitis.Evaluation;
using Bitis.Execution.LowBit;
using Bitis.Models.Catalogue;
using Bitis.Models.Segmentation;
using Bitis.Models.VMamba;
using Bitis.Tests.Models;
using Bitis.Training.Images;

namespace Bitis.Tests.Training;

/// <summary>Trainings of models that give a class to each pixel.</summary>
public sealed class SegmentationTrainingTests : IDisposable
{
    private static readonly HeadConfig Head = new() { Kind = HeadKind.UPer, Channels = 8, NormGroups = 2 };

    private static readonly VMambaSegmentationConfig Config = new(
        new VMambaConfig
        {
            ImageSize = 16,
            Stem = StemKind.Patches,
            PatchSize = 2,
            Depths = [1, 1],
            Width = 8,
            InnerWidth = 8,
            MlpWidth = 16,
            Classes = 11,
        },
        Head)
    {
        AuxiliaryHead = Head with { Kind = HeadKind.Fcn, Stage = 1, Convolutions = 1 },
    };

    /// <summary>Two epochs of three steps of four images.</summary>
    private static readonly TrainingRecipe Recipe = new()
    {
        Config = Config,
        Epochs = 2,
        BatchSize = 4,
        LearningRate = 0.01,
        Augmentation = new Augmentation { CropPadding = 2, LabelSmoothing = 0 },
        Seed = 3,
    };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void A_resumed_training_computes_what_an_uninterrupted_one_does(int steps)
    {
        Trainer whole = Trainer.Create(Recipe, Data(), _folder["whole"], threads: 1);
        whole.Run();
        using var stop = new TinyTraining.StopAfter(steps);
        Trainer interrupted = Trainer.Create(Recipe, Data(), _folder["parts"], threads: 3);
        Assert.Throws<OperationCanceledException>(() => interrupted.Run(stop, stop.Token));
        Trainer resumed = Trainer.Resume(Recipe, Data(), _folder["parts"], threads: 2);
        resumed.Run();
        Assert.Equal(File.ReadAllBytes(whole.Folder.FinalModel), File.ReadAllBytes(resumed.Folder.FinalModel));
        Assert.Equal(File.ReadAllBytes(whole.Folder.BestModel), File.ReadAllBytes(resumed.Folder.BestModel));
        Assert.Equal(
            whole.Epochs.Select(epoch => (epoch.TrainLoss, epoch.TrainPixelAccuracy, epoch.ValidationMeanIou)),
            resumed.Epochs.Select(epoch => (epoch.TrainLoss, epoch.TrainPixelAccuracy, epoch.ValidationMeanIou)));
    }

    [Fact]
    public void The_loss_falls_and_the_log_has_the_scores_of_pixels()
    {
        TrainingRecipe recipe = Recipe with { Epochs = 12 };
        Trainer trainer = Trainer.Create(recipe, Data(), _folder["run"]);
        trainer.Run();
        Assert.True(trainer.Epochs[^1].TrainLoss < 0.6 * trainer.Epochs[0].TrainLoss, "the loss does not fall");
        Assert.All(trainer.Epochs, epoch => Assert.Null(epoch.TrainTop1 ?? epoch.ValidationTop1));
        string[] rows = File.ReadAllLines(trainer.Folder.LogCsv);
        Assert.StartsWith(
            "epoch,step,learning_rate,train_loss,train_pixel_accuracy,validation_miou,validation_pixel_accuracy,"
            + "gradient_norm", rows[0]);
        Assert.All(rows, row => Assert.Equal(rows[0].Count(c => c == ','), row.Count(c => c == ',')));
        Assert.Equal(
            trainer.Epochs.Max(epoch => epoch.ValidationMeanIou), trainer.BestEpoch!.ValidationMeanIou);

        VisionModel model = VisionModel.Load(trainer.Folder.FinalModel);
        Assert.Equal(Config, model.Config);
        Assert.Equal("background", model.ClassNames![0]);
        using SegmentationSession session = SegmentationSession.Create(model);
        using var images = new BuiltInMaskSource(BuiltInSplit.Test, count: 1);
        Assert.Equal(64, session.Segment(images.Read(0)).Width);
    }

    [Fact]
    public void Statistics_of_batch_norms_stay_while_their_factors_learn()
    {
        VisionModel initial = SegmentationGoldenTests.Load();
        var config = (VMambaSegmentationConfig)initial.Config with { ImageSize = 32, Palette = [] };
        initial = VisionModel.CreateRandom(config, seed: 1).WithWeights(initial.Weights)
            .WithClassNames(initial.ClassNames!);
        using ImageSource images = new BuiltInMaskSource(BuiltInSplit.Train, count: 8);
        ImageSource named = new Renamed(images, initial.ClassNames!);
        Trainer trainer = Trainer.Create(
            Recipe with { Config = config, Epochs = 1, AverageDecay = 0.9 }, new TrainingData(named, null),
            _folder["run"], initial: initial);
        trainer.Run();
        VisionModel averaged = trainer.AveragedModel;
        int kept = 0;
        foreach ((string name, FloatTensor before) in initial.Weights)
        {
            bool stays = name.Contains(".running_", StringComparison.Ordinal);
            kept += stays ? 1 : 0;
            if (!stays)
                continue;
            Assert.True(before.Span.SequenceEqual(trainer.Model.Weights[name].Span), name);
            Assert.True(before.Span.SequenceEqual(averaged.Weights[name].Span), $"average of {name}");
        }
        int norms = initial.Weights.Keys.Count(name => name.EndsWith(".bn.weight", StringComparison.Ordinal));
        Assert.Equal(2 * norms, kept);
        foreach (string name in (string[])["decode_head.bottleneck.bn.weight", "auxiliary_head.convs.0.bn.bias"])
            Assert.False(initial.Weights[name].Span.SequenceEqual(trainer.Model.Weights[name].Span), name);
    }

    [Theory]
    [InlineData("exact")]
    [InlineData("hlq")]
    public void A_frozen_backbone_keeps_its_bits_while_both_heads_learn(string backward)
    {
        TrainingRecipe recipe = Recipe with
        {
            Epochs = 1,
            Freeze = ["backbone.*"],
            Backward = new BackwardPolicy { Method = backward, Overrides = [new BackwardOverride("*", backward)] },
        };
        VisionModel before = VisionModel.CreateRandom(Config, (ulong)recipe.Seed);
        Trainer trainer = Trainer.Create(recipe, Data(), _folder["run"]);
        trainer.Run();
        foreach ((string name, FloatTensor weight) in before.Weights)
        {
            bool stays = name.StartsWith("backbone.", StringComparison.Ordinal);
            Assert.True(weight.Span.SequenceEqual(trainer.Model.Weights[name].Span) == stays, name);
        }
    }

    [Fact]
    public void New_classes_get_new_last_layers_in_all_heads()
    {
        VisionModel model = VisionModel.CreateRandom(Config, seed: 1);
        VisionModel other = model.WithNewHead(5, seed: 2);
        Assert.Equal(5, other.Config.Classes);
        Assert.Equal(
            ["auxiliary_head.conv_seg.bias", "auxiliary_head.conv_seg.weight", "decode_head.conv_seg.bias",
                "decode_head.conv_seg.weight"],
            other.Weights.Where(pair => pair.Value.Shape != model.Weights[pair.Key].Shape).Select(pair => pair.Key)
                .Order(StringComparer.Ordinal));
        Assert.All(
            other.Weights.Where(pair => !pair.Key.Contains("conv_seg", StringComparison.Ordinal)),
            pair => Assert.True(pair.Value.Span.SequenceEqual(model.Weights[pair.Key].Span), pair.Key));
    }

    [Fact]
    public void Images_recipes_and_models_that_do_not_fit_are_refused()
    {
        using ImageSource shapes = new BuiltInImageSource(BuiltInSplit.Train, count: 20),
            masks = new BuiltInMaskSource(BuiltInSplit.Train, count: 20);
        Refused(
            "have no labels of pixels", Recipe with { Config = Config with { Classes = 10 } },
            new TrainingData(shapes, null));
        Refused("train a model that segments", Recipe with { Config = null }, new TrainingData(masks, null));
        Refused(
            "mixupAlpha", Recipe with { Augmentation = new Augmentation { CutMixAlpha = 1 } },
            new TrainingData(masks, null));
        Refused("The recipe's config has 5 classes", Recipe with { Config = Config with { Classes = 5 } }, Data());
        Assert.Contains(
            "--validation-labels", Assert.Throws<BitisException>(() => new TrainingData(masks, shapes)).Message);
        var unnamed = new TrainingData(new Renamed(masks, null), null);
        Refused("--classes", Recipe with { Config = null, Model = "vmamba-seg-micro" }, unnamed);

        void Refused(string what, TrainingRecipe recipe, TrainingData data) => Assert.Contains(
            what, Assert.Throws<BitisException>(() => Trainer.Create(recipe, data, _folder["refused"])).Message,
            StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void The_shipped_segmenter_knows_the_built_in_masks()
    {
        VisionModel model = VisionModel.LoadShipped("vmamba-seg-builtin");
        using var images = new BuiltInMaskSource(BuiltInSplit.Test, count: 40);
        Assert.Equal(images.ClassNames, model.ClassNames);
        using SegmentationSession session = SegmentationSession.Create(model);
        SegmentationScores scores = new SegmentationEvaluation(session).Run(
            images, window: null, progress: null, CancellationToken.None);
        Assert.InRange(scores.MeanIou!.Value, 0.75, 0.9);
        Assert.InRange(scores.PixelAccuracy!.Value, 0.965, 0.985);
    }

    [Fact]
    public void The_small_segmenter_has_group_norms_and_an_auxiliary_head()
    {
        var config = (VMambaSegmentationConfig)SmallModels.Get("vmamba-seg-micro", classes: 11);
        VisionModel model = VisionModel.CreateRandom(config, seed: 1);
        Assert.DoesNotContain(model.Weights.Keys, name => name.Contains(".bn.", StringComparison.Ordinal));
        Assert.Contains("auxiliary_head.convs.0.gn.weight", model.Weights.Keys);
        Assert.InRange(model.Weights.Values.Sum(weight => (long)weight.Length), 500_000, 1_000_000);
        BitisException e = Assert.Throws<BitisException>(() =>
            (config with { DecodeHead = config.DecodeHead with { NormGroups = 5 } }).Validate());
        Assert.Contains("normGroups is 5; expected a divisor of its 32 channels", e.Message);
    }

    /// <summary>Fourteen images, so that two are left over in each epoch, and five to validate with.</summary>
    private static TrainingData Data() => new(
        new BuiltInMaskSource(BuiltInSplit.Train, count: 14), new BuiltInMaskSource(BuiltInSplit.Test, count: 5));

    /// <summary>Images with other names of their classes.</summary>
    private sealed class Renamed(ImageSource parent, IReadOnlyList<string>? names) : ImageSource
    {
        public override int Count => parent.Count;

        public override string Description => parent.Description;

        public override IReadOnlyList<string>? ClassNames => names;

        internal override bool HasPixelLabels => true;

        public override string Name(int index) => parent.Name(index);

        public override int? Label(int index) => null;

        internal override (PixelImage Image, Bitis.Data.LabelMaps.LabelMap Labels) ReadWithPixelLabels(int index) =>
            parent.ReadWithPixelLabels(index);

        protected override PixelImage ReadImage(int index) => parent.Read(index);
    }
}
