using System.Text.Json;
using Bitis.Data.Decoding;
using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Models.Graphs;
using Bitis.Training;
using Bitis.Training.Images;

namespace Bitis.Tests.Training;

public sealed class TrainerTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)] // within the first epoch
    [InlineData(3)] // between its last step and its evaluation
    [InlineData(5)] // within the second
    public void A_resumed_training_computes_what_an_uninterrupted_one_does(int steps)
    {
        Trainer whole = Train("whole");

        using var stop = new TinyTraining.StopAfter(steps);
        Trainer interrupted = Trainer.Create(TinyTraining.Recipe, TinyTraining.Data(), _folder["parts"]);
        Assert.Throws<OperationCanceledException>(() => interrupted.Run(stop, stop.Token));
        Assert.Equal(
            steps / TinyTraining.StepsPerEpoch,
            interrupted.Epochs.Count + (interrupted.StepsOfEpoch == TinyTraining.StepsPerEpoch ? 1 : 0));

        Trainer resumed = Trainer.Resume(TinyTraining.Recipe, TinyTraining.Data(), _folder["parts"]);
        Assert.Equal(interrupted.StepsOfEpoch, resumed.StepsOfEpoch);
        resumed.Run();
        Assert.Equal(TinyTraining.Numbers(whole), TinyTraining.Numbers(resumed));
        Assert.Equal(File.ReadAllBytes(whole.Folder.FinalModel), File.ReadAllBytes(resumed.Folder.FinalModel));
        Assert.Equal(File.ReadAllBytes(whole.Folder.BestModel), File.ReadAllBytes(resumed.Folder.BestModel));
    }

    [Fact]
    public void A_killed_training_goes_on_from_its_last_checkpoint()
    {
        Trainer whole = Train("whole");
        // Damaged images stop the training without any farewell, after the first epoch's checkpoint.
        var data = new TrainingData(
            new BreakingSource(TinyTraining.Images(14, seed: 1), readsUntilBroken: 14),
            TinyTraining.Images(9, seed: 2));
        Trainer killed = Trainer.Create(TinyTraining.Recipe, data, _folder["parts"]);
        Assert.Throws<BitisException>(() => killed.Run());

        Trainer resumed = Trainer.Resume(TinyTraining.Recipe, TinyTraining.Data(), _folder["parts"]);
        Assert.Single(resumed.Epochs);
        resumed.Run();
        Assert.Equal(TinyTraining.Numbers(whole), TinyTraining.Numbers(resumed));
    }

    [Fact]
    public void A_resumed_low_bit_training_draws_the_same_random_numbers()
    {
        TrainingRecipe recipe = TinyTraining.Recipe with
        {
            Backward = new BackwardPolicy { Method = "hlq", Overrides = [new BackwardOverride("*", "hlq")] },
        };
        Trainer whole = Trainer.Create(recipe, TinyTraining.Data(), _folder["whole"], threads: 1);
        whole.Run();
        using var stop = new TinyTraining.StopAfter(4);
        Trainer interrupted = Trainer.Create(recipe, TinyTraining.Data(), _folder["parts"]);
        Assert.Throws<OperationCanceledException>(() => interrupted.Run(stop, stop.Token));
        Assert.Equal(recipe.Backward, Trainer.RecipeOf(_folder["parts"]).Backward);
        Trainer resumed = Trainer.Resume(recipe, TinyTraining.Data(), _folder["parts"], threads: 3);
        resumed.Run();
        Assert.Equal(TinyTraining.Numbers(whole), TinyTraining.Numbers(resumed));
        Assert.Equal(
            whole.Epochs.Select(epoch => epoch.GradientCosines!),
            resumed.Epochs.Select(epoch => epoch.GradientCosines!));
        Assert.NotEqual(TinyTraining.Numbers(whole), TinyTraining.Numbers(Train("exact")));
    }

    [Fact]
    public void The_log_has_the_cosines_of_low_bit_gradients_by_layer_and_epoch()
    {
        TrainingRecipe recipe = TinyTraining.Recipe with
        {
            Backward = new BackwardPolicy { Overrides = [new("layers.0.mixer.in_proj", "int4")] },
            Freeze = ["layers.0.mixer.x_proj*"],
        };
        Trainer trainer = Trainer.Create(recipe, TinyTraining.Data(), _folder["low"]);
        trainer.Run();
        foreach (EpochRecord epoch in trainer.Epochs)
        {
            IReadOnlyDictionary<string, double> cosines = epoch.GradientCosines!;
            Assert.DoesNotContain("layers.0.mixer.x_proj", cosines.Keys);
            Assert.Equal(1, cosines["head"], 1e-5); // nothing low-bit lies above it
            Assert.InRange(cosines["layers.0.mixer.in_proj"], 0.8, 0.9999);
            Assert.InRange(cosines["patch_embed.proj"], 0.5, 0.9999); // what int4 made of its own gradient
        }
        using JsonDocument log = JsonDocument.Parse(File.ReadAllText(trainer.Folder.LogJson));
        JsonElement logged = log.RootElement.GetProperty("epochs")[1].GetProperty("gradientCosines")
            .GetProperty("layers.0.mixer.in_proj");
        Assert.Equal(trainer.Epochs[1].GradientCosines!["layers.0.mixer.in_proj"], logged.GetDouble());
        Assert.All(Train("exact").Epochs, epoch => Assert.Null(epoch.GradientCosines));
    }

    [Fact]
    public void Frozen_layers_stay_as_they_are_bit_for_bit_also_when_resumed()
    {
        TrainingRecipe recipe = TinyTraining.Recipe with { Freeze = ["patch_embed*", "layers.0.mixer.*"] };
        VisionModel initial = VisionModel.CreateRandom(TinyTraining.Config, seed: 21);
        Trainer whole = Trainer.Create(recipe, TinyTraining.Data(), _folder["whole"], initial: initial);
        whole.Run();
        using var stop = new TinyTraining.StopAfter(4);
        Trainer interrupted = Trainer.Create(recipe, TinyTraining.Data(), _folder["parts"], initial: initial);
        Assert.Throws<OperationCanceledException>(() => interrupted.Run(stop, stop.Token));
        Assert.Equal(recipe.Freeze, Trainer.RecipeOf(_folder["parts"]).Freeze);
        Trainer resumed = Trainer.Resume(recipe, TinyTraining.Data(), _folder["parts"]);
        resumed.Run();
        Assert.Equal(TinyTraining.Numbers(whole), TinyTraining.Numbers(resumed));
        foreach ((string name, FloatTensor weight) in initial.Weights)
        {
            bool isFrozen = name.StartsWith("patch_embed", StringComparison.Ordinal)
                || name.StartsWith("layers.0.mixer", StringComparison.Ordinal);
            Assert.Equal(isFrozen, weight.Span.SequenceEqual(whole.Model.Weights[name].Span));
            Assert.Equal(isFrozen, weight.Span.SequenceEqual(whole.AveragedModel.Weights[name].Span));
        }
        BitisException e = Assert.Throws<BitisException>(
            () => Trainer.Resume(TinyTraining.Recipe, TinyTraining.Data(), _folder["parts"]));
        Assert.Contains("recipe.freeze", e.Message);
    }

    [Fact]
    public void A_training_keeps_the_preprocessing_of_the_model_that_it_starts_with()
    {
        Preprocessing own = Preprocessing.ForSize(8) with { ResizeShorterSide = 10 };
        VisionModel initial = VisionModel.CreateRandom(TinyTraining.Config, seed: 21).WithPreprocessing(own);
        using var stop = new TinyTraining.StopAfter(1);
        Trainer interrupted = Trainer.Create(
            TinyTraining.Recipe, TinyTraining.Data(), _folder["parts"], initial: initial);
        Assert.Throws<OperationCanceledException>(() => interrupted.Run(stop, stop.Token));
        Trainer resumed = Trainer.Resume(TinyTraining.Recipe, TinyTraining.Data(), _folder["parts"]);
        resumed.Run();
        Assert.Equal(own, VisionModel.Load(resumed.Folder.FinalModel).Preprocessing);
    }

    [Fact]
    public void The_number_of_threads_does_not_change_a_bit() =>
        Assert.Equal(TinyTraining.Numbers(Train("one", threads: 1)), TinyTraining.Numbers(Train("three", threads: 3)));

    [Fact]
    public void A_training_learns_and_leaves_its_models_and_logs()
    {
        Trainer trainer = Train(
            "run",
            TinyTraining.Recipe with { Epochs = 8, Augmentation = new Augmentation { Flip = false, CropPadding = 0 } });
        Assert.True(trainer.Epochs[^1].TrainLoss < trainer.Epochs[0].TrainLoss);
        Assert.Equal(Enumerable.Range(1, 8), trainer.Epochs.Select(epoch => epoch.Epoch));
        Assert.Equal(8 * TinyTraining.StepsPerEpoch, trainer.Epochs[^1].Step);

        VisionModel final = VisionModel.Load(trainer.Folder.FinalModel);
        foreach ((string name, FloatTensor weight) in trainer.AveragedModel.Weights)
            Assert.Equal(weight.Span.ToArray(), final.Weights[name].Span.ToArray());
        Assert.True(File.Exists(trainer.Folder.BestModel));

        string[] rows = File.ReadAllLines(trainer.Folder.LogCsv);
        Assert.Equal(9, rows.Length);
        Assert.StartsWith("epoch,step,learning_rate,train_loss,train_top1,validation_top1", rows[0]);
        Assert.StartsWith("8,24,", rows[8]);
        Assert.Contains("\"batchSize\": 4", File.ReadAllText(trainer.Folder.LogJson));
    }

    [Fact]
    public void Logs_have_each_epoch_once_after_resuming()
    {
        using var stop = new TinyTraining.StopAfter(4);
        Assert.Throws<OperationCanceledException>(
            () => Trainer.Create(TinyTraining.Recipe, TinyTraining.Data(), _folder["run"]).Run(stop, stop.Token));
        Trainer resumed = Trainer.Resume(TinyTraining.Recipe, TinyTraining.Data(), _folder["run"]);
        resumed.Run();
        Assert.Equal(["epoch", "1", "2"], File.ReadAllLines(resumed.Folder.LogCsv).Select(row => row.Split(',')[0]));
    }

    [Fact]
    public void Validation_may_be_rare_but_comes_after_the_last_epoch()
    {
        Trainer trainer = Train("run", TinyTraining.Recipe with { Epochs = 5, EvaluationInterval = 3 });
        Assert.Equal(
            [false, false, true, false, true], trainer.Epochs.Select(epoch => epoch.ValidationTop1 is not null));
    }

    [Fact]
    public void There_may_be_no_validation()
    {
        Trainer trainer = Trainer.Create(
            TinyTraining.Recipe, new TrainingData(TinyTraining.Images(14, seed: 1), null), _folder["run"]);
        Assert.All(trainer.Run(), epoch => Assert.Null(epoch.ValidationTop1));
        Assert.False(File.Exists(trainer.Folder.BestModel));
        Assert.True(File.Exists(trainer.Folder.FinalModel));
    }

    [Fact]
    public void Initial_weights_are_where_it_starts_and_stay_as_they_are()
    {
        VisionModel initial = VisionModel.CreateRandom(TinyTraining.Config, seed: 99);
        float[] before = initial.Weights["head.weight"].Span.ToArray();
        Trainer trainer = Trainer.Create(TinyTraining.Recipe, TinyTraining.Data(), _folder["run"], initial: initial);
        Assert.Equal(before, trainer.Model.Weights["head.weight"].Span.ToArray());
        trainer.Run();
        Assert.NotEqual(before, trainer.Model.Weights["head.weight"].Span.ToArray());
        Assert.Equal(before, initial.Weights["head.weight"].Span.ToArray());
    }

    [Fact]
    public void A_loss_that_is_not_a_number_ends_the_training_and_keeps_the_checkpoint()
    {
        VisionModel initial = VisionModel.CreateRandom(TinyTraining.Config, seed: 1);
        initial.Weights["head.weight"].Span.Fill(float.MaxValue);
        Trainer trainer = Trainer.Create(TinyTraining.Recipe, TinyTraining.Data(), _folder["run"], initial: initial);
        BitisException e = Assert.Throws<BitisException>(() => trainer.Run());
        foreach (string words in
            (string[])["diverged", "epoch 1, step 1 of 3", "0.003333", "lower learning rate", "warm-up"])
        {
            Assert.Contains(words, e.Message);
        }

        Assert.Equal(0, Trainer.Resume(TinyTraining.Recipe, TinyTraining.Data(), _folder["run"]).StepsOfEpoch);
    }

    [Fact]
    public void Two_trainings_at_once_in_one_folder_are_refused()
    {
        Trainer first = Trainer.Create(TinyTraining.Recipe, TinyTraining.Data(), _folder["run"]);
        Trainer second = Trainer.Create(TinyTraining.Recipe, TinyTraining.Data(), _folder["run"]);
        Directory.CreateDirectory(_folder["run"]);
        using (first.Folder.Lock())
        {
            string message = Assert.Throws<BitisException>(() => second.Run()).Message;
            Assert.Contains("another process is training here", message);
        }
        second.Run();
        byte[] model = File.ReadAllBytes(second.Folder.FinalModel);
        // It was prepared before the other one began.
        Assert.Contains("has a training already", Assert.Throws<BitisException>(() => first.Run()).Message);
        Assert.Equal(model, File.ReadAllBytes(second.Folder.FinalModel));
        Assert.Equal(["best.safetensors", "final.safetensors", "last.checkpoint.safetensors", "log.csv", "log.json"],
            Directory.GetFiles(_folder["run"]).Select(file => Path.GetFileName(file)).Order());
    }

    [Fact]
    public void What_does_not_fit_is_refused_before_the_first_step()
    {
        TrainingData data = TinyTraining.Data();
        Refused(
            () => Trainer.Create(TinyTraining.Recipe with { BatchSize = 15 }, data, _folder["run"]),
            "14 training images",
            "batch of 15");
        Refused(
            () => Trainer.Create(TinyTraining.Recipe with { LearningRate = 0 }, data, _folder["run"]), "learningRate");
        Refused(
            () => Trainer.Create(
                TinyTraining.Recipe with { Config = TinyTraining.Config with { Classes = 4 } }, data, _folder["run"]),
            "4 classes", "have 3");
        foreach (int channels in (int[])[2, 5])
        {
            TrainingRecipe recipe = TinyTraining.Recipe with { Config = Averages(channels) };
            Refused(() => Trainer.Create(recipe, data, _folder["run"]), "1 or 3 channels", $"takes {channels}");
        }
        Refused(
            () => Trainer.Create(
                TinyTraining.Recipe,
                data,
                _folder["run"],
                initial: VisionModel.CreateRandom(TinyTraining.Config with { Classes = 5 }, 1)),
            "initial model", "it has 5");
        Assert.False(Directory.Exists(_folder["run"]));
    }

    private Trainer Train(string name, TrainingRecipe? recipe = null, int threads = 0)
    {
        Trainer trainer = Trainer.Create(recipe ?? TinyTraining.Recipe, TinyTraining.Data(), _folder[name], threads);
        trainer.Run();
        return trainer;
    }

    /// <summary>A classifier of the mean pixel of images with some channels.</summary>
    private static GraphConfig Averages(int channels)
    {
        var graph = new GraphBuilder([channels, 8, 8]);
        Node mean = graph.Add("mean", new MeanTokens(), graph.Add("tokens", new FlattenSpatial(), graph.Input));
        return new GraphConfig(graph.Build(graph.Add("head", new Linear(channels, 3, HasBias: true), mean)));
    }

    private static void Refused(Func<Trainer> create, params string[] words)
    {
        BitisException e = Assert.Throws<BitisException>(create);
        foreach (string word in words)
            Assert.Contains(word, e.Message);
    }

    /// <summary>Images that cannot be read any more after a number of them.</summary>
    private sealed class BreakingSource(ImageSource inner, int readsUntilBroken) : ImageSource
    {
        private int _left = readsUntilBroken;

        public override int Count => inner.Count;

        public override string Description => inner.Description;

        public override IReadOnlyList<string>? ClassNames => inner.ClassNames;

        public override string Name(int index) => inner.Name(index);

        public override int? Label(int index) => inner.Label(index);

        protected override PixelImage ReadImage(int index) => Interlocked.Decrement(ref _left) >= 0
            ? inner.Read(index)
            : throw new BitisException($"{Name(index)}: damaged.");
    }
}
