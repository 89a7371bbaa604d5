using System.Text.Json;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Data.Decoding;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Models.Vim;
using Bitis.Tensors;
using Bitis.Training;
using Bitis.Training.Images;
using Bitis.Training.Loop;

namespace Bitis.Tests.Training;

public sealed class TrainingCheckpointTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly TrainingFolder _files;

    public TrainingCheckpointTests()
    {
        _files = new TrainingFolder(_folder["run"]);
        using var stop = new TinyTraining.StopAfter(2);
        Assert.Throws<OperationCanceledException>(
            () => Trainer.Create(TinyTraining.Recipe, TinyTraining.Data(), _files.Path).Run(stop, stop.Token));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_new_training_does_not_overwrite_one() =>
        Refused(
            () => Trainer.Create(TinyTraining.Recipe, TinyTraining.Data(), _files.Path),
            _files.Path,
            "already",
            "--resume");

    [Fact]
    public void There_must_be_something_to_resume() =>
        Refused(
            () => Trainer.Resume(TinyTraining.Recipe, TinyTraining.Data(), _folder["nothing"]),
            "nothing",
            "no training to resume");

    [Fact]
    public void The_recipe_is_in_the_checkpoint() => Assert.Equal(TinyTraining.Recipe, Trainer.RecipeOf(_files.Path));

    [Fact]
    public void Another_recipe_model_or_data_is_named()
    {
        TrainingData data = TinyTraining.Data();
        Refused(
            () => Resume(TinyTraining.Recipe with { Epochs = 3 }, data),
            _files.Checkpoint,
            "recipe.epochs is 2 in it, and 3 here");
        Refused(
            () => Resume(
                TinyTraining.Recipe with { Augmentation = new Augmentation { Flip = false } },
                data), "recipe.augmentation.flip is true in it");
        Refused(
            () => Resume(TinyTraining.Recipe with { Config = TinyTraining.Config with { Width = 16 } }, data),
            "config.width is 8 in it, and 16 here");
        Refused(
            () => Resume(
                TinyTraining.Recipe,
                new TrainingData(TinyTraining.Images(13, seed: 1), data.Validation)), "training.images is 14 in it");
        Refused(() => Resume(TinyTraining.Recipe, new TrainingData(data.Training, null)), "validation");
    }

    [Fact]
    public void Weights_can_be_loaded_from_it_as_a_model()
    {
        VisionModel model = VisionModel.Load(_files.Checkpoint, new ModelOptions { WeightsKey = "average" });
        Assert.Equal(TinyTraining.Config.Width, ((VimConfig)model.Config).Width);
        Assert.DoesNotContain(model.Notices, notice => notice.Contains("not used", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void As_a_model_it_is_what_was_trained(ModelConfig config)
    {
        var preprocessing = Preprocessing.ForSize(config.ImageSize) with { Mean = new(0.1f, 0.2f, 0.3f) };
        string[] names = [.. Enumerable.Range(0, config.Classes).Select(i => $"class-{i}")];
        VisionModel trained = VisionModel.CreateRandom(config, seed: 1);
        TrainingRecipe recipe = TinyTraining.Recipe with { Config = config };
        var digest = new DataDigest(1, "00");
        var identity = new TrainingIdentity(config, recipe, digest, digest, preprocessing, names);
        TrainingCheckpoint.Save(_files.Checkpoint, identity, new TrainingState(trained, recipe));
        foreach (string key in (string[])["average", "weights"])
        {
            VisionModel model = VisionModel.Load(_files.Checkpoint, new ModelOptions { WeightsKey = key });
            Assert.Equal(JsonSerializer.Serialize(config, ModelJson.Default.ModelConfig),
                JsonSerializer.Serialize(model.Config, ModelJson.Default.ModelConfig));
            Assert.Equal(preprocessing, model.Preprocessing);
            Assert.Equal(names, model.ClassNames);
            Assert.Empty(model.Notices);
            foreach ((string name, FloatTensor weight) in trained.Weights)
                Assert.Equal(weight.Span.ToArray(), model.Weights[name].Span.ToArray());
        }
    }

    public static TheoryData<ModelConfig> Architectures =>
    [
        TinyTraining.Config with { ClassToken = ClassTokenPosition.First, HalvesDirections = false },
        .. SmallModels.Names.Select(name => SmallModels.Get(name, TinyTraining.Classes)),
    ];

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("moment1")]
    [InlineData("optimizer")]
    public void The_weights_in_it_have_to_be_chosen(string? key)
    {
        var options = new ModelOptions { WeightsKey = key };
        string message = Assert.Throws<BitisException>(() => VisionModel.Load(_files.Checkpoint, options)).Message;
        Assert.Contains("checkpoint of a training", message);
        Assert.Contains("--weights-key average", message);
        Assert.Contains("--weights-key weights", message);
    }

    [Fact]
    public void As_a_model_it_takes_no_options_that_contradict_it()
    {
        var options = new ModelOptions { WeightsKey = "average", ClassToken = ClassTokenPosition.First };
        string message = Assert.Throws<BitisException>(() => VisionModel.Load(_files.Checkpoint, options)).Message;
        Assert.Contains("--class-token contradicts the file", message);
    }

    [Fact]
    public void As_a_model_it_is_compared_with_its_digest()
    {
        byte[] bytes = File.ReadAllBytes(_files.Checkpoint);
        bytes[^1] ^= 1; // a moment: not even one of the weights
        File.WriteAllBytes(_files.Checkpoint, bytes);
        var options = new ModelOptions { WeightsKey = "average" };
        string message = Assert.Throws<BitisException>(() => VisionModel.Load(_files.Checkpoint, options)).Message;
        Assert.Contains("the SHA-256 differs", message);
    }

    [Fact]
    public void A_checkpoint_without_names_of_classes_is_resumed_with_them()
    {
        TrainingCheckpoint checkpoint = TrainingCheckpoint.Open(_files.Checkpoint);
        TrainingIdentity wanted = checkpoint.Identity with { ClassNames = ["a", "b", "c"] };
        (checkpoint.Identity with { ClassNames = null }).RequireSame(wanted, _files.Checkpoint);
        var other = checkpoint.Identity with { ClassNames = ["a", "c", "b"] };
        Assert.Throws<BitisException>(() => other.RequireSame(wanted, _files.Checkpoint));
    }

    [Fact]
    public void A_flipped_bit_anywhere_is_found()
    {
        byte[] whole = File.ReadAllBytes(_files.Checkpoint);
        for (int position = 8; position < whole.Length; position += Math.Max(1, whole.Length / 40))
        {
            byte[] damaged = [.. whole];
            damaged[position] ^= 1;
            File.WriteAllBytes(_files.Checkpoint, damaged);
            Assert.StartsWith(
                _files.Checkpoint, Assert.Throws<BitisException>(() => Trainer.RecipeOf(_files.Path)).Message);
        }
    }

    [Fact]
    public void A_weight_that_is_not_finite_is_refused_by_its_name()
    {
        TrainingCheckpoint checkpoint = TrainingCheckpoint.Open(_files.Checkpoint);
        var state = new TrainingState(VisionModel.CreateRandom(TinyTraining.Config, seed: 1), TinyTraining.Recipe);
        checkpoint.Restore(state, TinyTraining.Recipe.Epochs, stepsPerEpoch: int.MaxValue);
        state.Model.Weights["head.bias"].Span[1] = float.NaN;
        TrainingCheckpoint.Save(_files.Checkpoint, checkpoint.Identity, state);
        Refused(
            () => Resume(TinyTraining.Recipe, TinyTraining.Data()),
            _files.Checkpoint,
            "weights.head.bias",
            "element 1");
    }

    [Theory]
    [InlineData("sha256", null, "no 'sha256'")]
    [InlineData("sha256", "0", "the SHA-256 differs")]
    [InlineData("position", "{}", "'finished', 'current' are missing")]
    [InlineData("identity", null, "no 'identity'")]
    public void What_is_wrong_with_a_checkpoint_is_said_and_what_to_do(string key, string? text, string words)
    {
        using (Checkpoint file = Checkpoint.Open(_files.Checkpoint))
        {
            Dictionary<string, string> metadata = file.Metadata.ToDictionary();
            if (text is null)
                metadata.Remove(key);
            else
                metadata[key] = text;
            SafetensorsTensor[] tensors =
            [
                .. file.Entries.Select(entry => new SafetensorsTensor(
                    entry.Name, entry.DType, entry.Shape, file.ReadBytes(entry.Name))),
            ];
            if (key != "sha256")
            {
                string identity = metadata.GetValueOrDefault("identity", "");
                metadata["sha256"] = TrainingFile.Digest(
                    identity, metadata["position"], tensors.Select(tensor => (tensor.Name, tensor.Bytes)));
            }
            SafetensorsWriter.Write(_folder["changed.safetensors"], tensors, metadata);
        }
        File.Move(_folder["changed.safetensors"], _files.Checkpoint, overwrite: true);
        Refused(
            () => Resume(TinyTraining.Recipe, TinyTraining.Data()),
            _files.Checkpoint,
            words,
            "train anew in another folder");
    }

    [Fact]
    public void Other_files_are_refused()
    {
        SafetensorsWriter.Write(_files.Checkpoint, []);
        Refused(() => Resume(TinyTraining.Recipe, TinyTraining.Data()), "not the checkpoint of a training");
        SafetensorsWriter.Write(_files.Checkpoint, [], new Dictionary<string, string> { ["bitis_training"] = "99" });
        Refused(() => Resume(TinyTraining.Recipe, TinyTraining.Data()), "format 99");
        File.WriteAllText(_files.Checkpoint, "nothing");
        Refused(() => Resume(TinyTraining.Recipe, TinyTraining.Data()), _files.Checkpoint);
    }

    private Trainer Resume(TrainingRecipe recipe, TrainingData data) => Trainer.Resume(recipe, data, _files.Path);

    private static void Refused(Func<Trainer> create, params string[] words)
    {
        BitisException e = Assert.Throws<BitisException>(create);
        foreach (string word in words)
            Assert.Contains(word, e.Message);
    }
}
