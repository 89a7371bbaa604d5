using System.Text.Json;
using Bitis.Cli;
using Bitis.Tests.Training;

namespace Bitis.Tests.Cli;

/// <summary><c>bitis finetune</c> on a few images and a model of a few hundred weights.</summary>
public sealed class FinetuneTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _model, _images, _run;
    private readonly string[] _command;

    public FinetuneTests()
    {
        _model = _folder["model.safetensors"];
        VisionModel.CreateRandom(TinyTraining.Config, seed: 5).WithClassNames(["a", "b", "c"]).Save(_model);
        _images = _folder.WriteImages("images", 10, 2);
        _run = _folder["run"];
        _command = ["finetune", _model, "--data", _images, "-o", _run, "--epochs", "2", "--batch", "4"];
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Other_classes_get_a_new_head_on_the_checkpoint_s_backbone()
    {
        JsonElement result = CliRunner.RunJson(
            [.. _command, "--validation", _images, "--freeze", "layers.0.*", "--freeze", "patch_embed*"]);
        Assert.Equal(
            "new, for 2 classes, none of which is one of the checkpoint's 3", result.GetProperty("head").GetString());
        Assert.Equal(2, result.GetProperty("model").GetProperty("classes").GetInt32());
        Assert.Equal(3e-4, result.GetProperty("recipe").GetProperty("learningRate").GetDouble());
        VisionModel before = VisionModel.Load(_model),
            after = VisionModel.Load(result.GetProperty("finalModel").GetString()!);
        Assert.True(
            before.Weights["layers.0.mixer.in_proj.weight"].Span.SequenceEqual(
                after.Weights["layers.0.mixer.in_proj.weight"].Span));
        Assert.Equal(["class00", "class01"], after.ClassNames!);
        long frozen = result.GetProperty("parameters").GetInt64() - result.GetProperty("learningParameters").GetInt64();
        Assert.Equal(
            before.Graph.Parameters.Where(
                p => p.Name.StartsWith("layers.0.", StringComparison.Ordinal)
                    || p.Name.StartsWith("patch_embed", StringComparison.Ordinal)).Sum(p => p.Shape.ElementCount),
            frozen);
        CliRunner.Run("eval", Path.Combine(_run, "best.safetensors"), "--data", _images).AssertSucceeded();
    }

    [Fact]
    public void The_same_classes_keep_their_head_and_others_of_the_same_number_do_not()
    {
        string same = _folder.WriteImages("same", 9, 3);
        VisionModel.Load(_model).WithClassNames(["class00", "class01", "class02"]).Save(_folder["named.safetensors"]);
        string[] options = ["--data", same, "--epochs", "1", "--batch", "3", "--lr", "1e-5"];
        CliOutcome kept = CliRunner.Run(["finetune", _folder["named.safetensors"], "-o", _folder["kept"], .. options])
            .AssertSucceeded();
        Assert.Contains("the checkpoint's, since the classes are the same", kept.Output);
        TensorAssert.Close(
            VisionModel.Load(_model).Weights["head.weight"], VisionModel.Load(
                Path.Combine(_folder["kept"], "final.safetensors")).Weights["head.weight"], 1e-3);
        CliOutcome replaced = CliRunner.Run(["finetune", _model, "-o", _folder["replaced"], .. options])
            .AssertSucceeded();
        Assert.Contains("new, for 3 classes, none of which is one of the checkpoint's 3", replaced.Output);
    }

    [Fact]
    public void A_stopped_one_goes_on_with_the_same_command()
    {
        string whole = _folder["whole"];
        string[] low = ["--backward", "hlq", "--freeze", "patch_embed*"];
        CliRunner.Run([.. _command, .. low, "-o", whole]).AssertRefused("'-o'"); // given twice
        CliRunner.Run(["finetune", _model, "--data", _images, "-o", whole, "--epochs", "2", "--batch", "4", .. low])
            .AssertSucceeded();
        Assert.Contains("the same command with --resume", CliRunner.StopTraining(_run, [.. _command, .. low]));
        CliRunner.Run([.. _command, .. low, "--resume"]).AssertSucceeded();
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(whole, "final.safetensors")),
            File.ReadAllBytes(Path.Combine(_run, "final.safetensors")));
    }

    [Fact]
    public void A_recipe_file_says_all_but_the_architecture()
    {
        string recipe = _folder.WriteText(
            "recipe.json", """{ "epochs": 1, "batchSize": 5, "freeze": ["patch_embed*"] }""");
        JsonElement result = CliRunner.RunJson("finetune", _model, "--data", _images, "-o", _run, "--recipe", recipe);
        Assert.Equal("patch_embed*", result.GetProperty("recipe").GetProperty("freeze")[0].GetString());
        Assert.Equal(5, result.GetProperty("recipe").GetProperty("batchSize").GetInt32());
        string other = _folder.WriteText("other.json", """{ "model": "vim-mini" }""");
        CliRunner.Run("finetune", _model, "--data", _images, "-o", _folder["b"], "--recipe", other)
            .AssertRefused(other, "the checkpoint's", "'model'");
    }

    [Theory]
    [InlineData("'frob*' of layers to freeze matches no layer", "--freeze", "frob*", "--batch", "4")]
    [InlineData("freeze all layers", "--freeze", "*", "--batch", "4")]
    [InlineData("--freeze", "--freeze")]
    [InlineData("--model", "--model", "vim-mini")]
    [InlineData("cannot fill a batch of 100; use a smaller batch (--batch", "--batch", "100")]
    public void Mistakes_are_named(string words, params string[] options)
    {
        CliRunner.Run(["finetune", _model, "--data", _images, "-o", _run, .. options]).AssertRefused(words);
        Assert.False(Directory.Exists(_run));
    }

    [Fact]
    public void It_takes_a_float_checkpoint()
    {
        string quantized = _folder["model.bitis"];
        CliRunner.Run("quantize", _model, "--calibration", _images, "-o", quantized).AssertSucceeded();
        CliRunner.Run("finetune", quantized, "--data", _images, "-o", _run)
            .AssertRefused(quantized, "quantized; finetune takes a float32 checkpoint");
        CliRunner.Run("finetune", "missing.pth", "--data", _images, "-o", _run)
            .AssertRefused("missing.pth", "a model was expected");
    }
}
