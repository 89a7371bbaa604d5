using System.Text.Json;
using Bitis.Cli;
using Bitis.Tests.Training;

namespace Bitis.Tests.Cli;

/// <summary><c>bitis train</c> on a few images and a model of a few hundred weights.</summary>
public sealed class TrainTests : IDisposable
{
    private const string Recipe =
        """
        {
          "config": {
            "family": "vim", "imageSize": 8, "patchSize": 4, "stride": 4, "width": 8, "innerWidth": 16, "depth": 1,
            "stateSize": 4, "deltaRank": 1, "classes": 2
          },
          "epochs": 2, "batchSize": 4, "augmentation": { "cropPadding": 1, "labelSmoothing": 0 }
        }
        """;

    private readonly TempFolder _folder = new();
    private readonly string _images;
    private readonly string _run;
    private readonly string[] _command;

    public TrainTests()
    {
        _images = _folder.WriteImages("images", 10, 2);
        _run = _folder["run"];
        _command = ["train", "--recipe", _folder.WriteText("recipe.json", Recipe), "--data", _images, "-o", _run];
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_trains_a_model_that_the_other_commands_take()
    {
        JsonElement result = CliRunner.RunJson([.. _command, "--validation", _images, "--epochs", "3"]);
        Assert.Equal(3, result.GetProperty("recipe").GetProperty("epochs").GetInt32());
        Assert.Equal(4, File.ReadAllLines(Path.Combine(_run, "log.csv")).Length);
        string best = result.GetProperty("bestModel").GetString()!;
        JsonElement evaluated = CliRunner.RunJson("eval", best, "--data", _images);
        Assert.Equal(result.GetProperty("bestTop1").GetDouble(), evaluated.GetProperty("top1").GetDouble());
        CliRunner.Run("quantize", best, "--calibration", _images, "-o", _folder["model.bitis"]).AssertSucceeded();
    }

    [Fact]
    public void A_summary_says_what_to_do_next()
    {
        CliOutcome outcome = CliRunner.Run(_command).AssertSucceeded();
        Assert.Contains("final.safetensors", outcome.Output);
        Assert.Contains("Next: bitis quantize", outcome.Output);
    }

    [Fact]
    public void It_says_which_layers_are_too_small_for_low_bits()
    {
        JsonElement result = CliRunner.RunJson([.. _command, "--backward", "hlq"]);
        Assert.Equal("hlq", result.GetProperty("recipe").GetProperty("backward").GetProperty("method").GetString());
        JsonElement head = result.GetProperty("backward").EnumerateArray()
            .Single(layer => layer.GetProperty("layer").GetString() == "head");
        Assert.Equal("exact", head.GetProperty("method").GetString());
        Assert.Contains("1 token,", head.GetProperty("reason").GetString());
    }

    [Fact]
    public void It_says_how_far_low_bit_gradients_agree_with_the_exact_ones()
    {
        string recipe = _folder.WriteText(
            "low.json",
            Recipe.Replace(
                "\"epochs\": 2",
                "\"epochs\": 2, \"backward\": { \"overrides\": [ { \"pattern\": \"*.in_proj\", \"method\": \"hlq\" } "
                + "] }"));
        CliOutcome outcome = CliRunner.Run("train", "--recipe", recipe, "--data", _images, "-o", _folder["low"])
            .AssertSucceeded();
        Assert.Matches("cosine to the exact ones 0\\.[0-9]+ on average, -?0\\.[0-9]+ at worst", outcome.Output);
        JsonElement exact = CliRunner.RunJson(_command);
        Assert.Equal(JsonValueKind.Null, exact.GetProperty("gradientCosines").ValueKind);
    }

    [Theory]
    [InlineData(4, true)]
    [InlineData(16, false)]
    public void It_says_what_brings_gradients_nearer_that_are_far_from_the_exact_ones(int rank, bool advises)
    {
        string backward = $"\"backward\": {{ \"rank\": {rank}, \"overrides\": "
            + "[ { \"pattern\": \"*_proj\", \"method\": \"low-rank\" } ] }";
        string recipe = _folder.WriteText(
            "rank.json", Recipe.Replace("\"patchSize\": 4, \"stride\": 4", "\"patchSize\": 2, \"stride\": 2")
                .Replace("\"epochs\": 2", $"\"epochs\": 1, {backward}"));
        CliOutcome outcome = CliRunner.Run("train", "--recipe", recipe, "--data", _images, "-o", _folder["rank"])
            .AssertSucceeded();
        Assert.Equal(
            advises, outcome.Output.Contains("\"rank\": 16 in the recipe's \"backward\"", StringComparison.Ordinal));
    }

    [Fact]
    public void A_stopped_training_says_how_to_go_on_and_does()
    {
        string whole = _folder["whole"];
        CliRunner.Run([.. _command[..^1], whole]).AssertSucceeded();

        string message = CliRunner.StopTraining(_run, _command);
        Assert.Contains("of 2 epochs and", message);
        Assert.Contains("--resume", message);
        CliRunner.Run("train", "--data", _images, "-o", _run, "--resume").AssertSucceeded();
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(whole, "final.safetensors")),
            File.ReadAllBytes(Path.Combine(_run, "final.safetensors")));
    }

    [Fact]
    public void It_can_start_with_the_weights_of_a_model()
    {
        CliRunner.Run(_command).AssertSucceeded();
        string[] tuning =
            ["train", "--data", _images, "-o", _folder["tuned"], "--init", Path.Combine(_run, "final.safetensors")];
        JsonElement result = CliRunner.RunJson([.. tuning, "--epochs", "1", "--batch", "5"]);
        Assert.Equal(TinyTraining.Config.Width, result.GetProperty("model").GetProperty("width").GetInt32());
        CliRunner.Run([.. tuning, "--resume"]).AssertRefused("--init", "--resume");
    }

    [Fact]
    public void A_folder_holds_one_training()
    {
        CliRunner.Run(_command).AssertSucceeded();
        CliRunner.Run(_command).AssertRefused(_run, "already", "--resume");
        CliRunner.Run("train", "--data", _images, "-o", _run, "--resume", "--lr", "0.5")
            .AssertRefused("recipe.learningRate is 0.001 in it, and 0.5 here");
        CliRunner.Run("train", "--data", _images, "-o", _run, "--resume", "--take", "6")
            .AssertRefused("training.images is 10 in it, and 6 here", "--take");
        CliRunner.Run("train", "--data", _images, "-o", _folder["other"], "--resume")
            .AssertRefused("other", "no training to resume");
    }

    [Theory]
    [InlineData("final.safetensors")]
    [InlineData("best.safetensors")]
    [InlineData("log.csv")]
    [InlineData("log.json")]
    public void Files_of_another_training_are_not_replaced(string name)
    {
        string file = Path.Combine(_folder.CreateFolder("run"), name);
        File.WriteAllText(file, "precious");
        CliRunner.Run(_command).AssertRefused(_run, $"{name} already", "--resume", "another folder");
        Assert.Equal("precious", File.ReadAllText(file));
        File.Move(file, Path.Combine(_run, "notes.txt"));
        CliRunner.Run(_command).AssertSucceeded();
        Assert.Equal("precious", File.ReadAllText(Path.Combine(_run, "notes.txt")));
    }

    [Theory]
    [InlineData("vim-micro", "--model", "vim-huge")]
    [InlineData("--lr takes a positive number", "--lr", "-1")]
    [InlineData("--lr takes a positive number", "--lr", "fast")]
    [InlineData("at least 1, not '0'", "--epochs", "0")]
    [InlineData("at least 0, not '-3'", "--seed", "-3")]
    [InlineData("'hql'; the methods are exact, hlq", "--backward", "hql")]
    [InlineData("cannot fill a batch of 100; use a smaller batch (--batch", "--batch", "100")]
    [InlineData("learningRate is 100", "--lr", "100")]
    [InlineData("missing.pth", "--init", "missing.pth")]
    public void Mistakes_are_named(string words, params string[] options)
    {
        CliRunner.Run([.. _command, .. options]).AssertRefused(words);
        Assert.False(Directory.Exists(_run));
    }

    [Fact]
    public void Images_need_labels_and_a_folder_needs_a_place()
    {
        string flat = _folder.CreateFolder("flat");
        File.Copy(
            Directory.GetFiles(_images, "*.bmp", SearchOption.AllDirectories)[0], Path.Combine(flat, "image.bmp"));
        CliRunner.Run("train", "--data", flat, "-o", _run).AssertRefused("image.bmp", "no label");
        CliRunner.Run([.. _command[..^1], Path.Combine(_command[2], "run")]).AssertRefused("cannot be created");
    }
}
