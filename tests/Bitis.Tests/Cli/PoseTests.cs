using System.Text.Json;

namespace Bitis.Tests.Cli;

/// <summary>Models that give the pose of a shape, on the command line.</summary>
public sealed class PoseTests : IDisposable
{
    private const string Recipe =
        """
        {
          "config": {
            "family": "pose", "imageSize": 32, "classes": 5,
            "backbone": {
              "family": "vim", "imageSize": 32, "patchSize": 8, "stride": 8, "width": 8, "innerWidth": 16, "depth": 1,
              "stateSize": 4, "deltaRank": 1, "classes": 5
            }
          },
          "epochs": 1, "batchSize": 16
        }
        """;

    private readonly TempFolder _folder = new();
    private readonly string _model;
    private readonly JsonElement _trained;

    public PoseTests()
    {
        _trained = CliRunner.RunJson(
            "train", "--recipe", _folder.WriteText("recipe.json", Recipe), "--data", "builtin/train", "--take", "32",
            "--validation", "builtin/test", "-o", _folder["run"]);
        _model = _trained.GetProperty("finalModel").GetString()!;
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Errors_are_those_of_the_training_and_stay_after_quantization()
    {
        JsonElement evaluated = CliRunner.RunJson("eval", _model, "--data", "builtin/test");
        foreach (string error in (string[])["Position", "Size", "Angle"])
        {
            Assert.Equal(
                _trained.GetProperty($"validation{error}Error").GetDouble(),
                evaluated.GetProperty($"{char.ToLowerInvariant(error[0])}{error[1..]}Error").GetDouble(), 1e-6);
        }
        string quantized = _folder["pose.bitis"];
        CliRunner.Run(
            "quantize", _model, "--calibration", "builtin/train", "--images", "16", "--scope", "full", "-o", quantized)
            .AssertSucceeded();
        double position = CliRunner.RunJson("eval", quantized, "--data", "builtin/test").GetProperty("positionError")
            .GetDouble();
        Assert.Equal(evaluated.GetProperty("positionError").GetDouble(), position, 0.3);
        CliOutcome text = CliRunner.Run("eval", quantized, "--data", "builtin/test").AssertSucceeded();
        Assert.Contains("degrees, modulo 60", text.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Recipes_are_compared_by_errors()
    {
        string[] command =
        [
            "compare", _model, "--calibration", "builtin/train", "--images", "16", "--data", "builtin/test", "--limit",
            "48", "--methods", "minmax", "--bits", "w8a8,w2a8",
        ];
        JsonElement[] models = [.. CliRunner.RunJson(command).GetProperty("models").EnumerateArray()];
        CliRunner.Run(
            "quantize", _model, "--calibration", "builtin/train", "--images", "16", "--method", "minmax", "--bits",
            "w2a8", "-o", _folder["a.bitis"]).AssertSucceeded();
        JsonElement[] evaluated = [.. ((string[])[_model, _folder["a.bitis"]]).Select(model => CliRunner.RunJson(
            "eval", model, "--data", "builtin/test", "--images", "48"))];
        foreach (string error in (string[])["positionError", "sizeError", "angleError"])
        {
            Assert.Equal(evaluated[0].GetProperty(error).GetDouble(), models[0].GetProperty(error).GetDouble(), 1e-9);
            Assert.Equal(evaluated[1].GetProperty(error).GetDouble(), models[2].GetProperty(error).GetDouble(), 1e-9);
        }
        Assert.NotEqual(
            models[1].GetProperty("positionError").GetDouble(), models[2].GetProperty("positionError").GetDouble());
        Assert.All(models, model => Assert.Equal(JsonValueKind.Null, model.GetProperty("top1").ValueKind));
        CliOutcome text = CliRunner.Run([.. command[..^1], "w8a8"]).AssertSucceeded();
        Assert.Contains("position, px", text.Output, StringComparison.Ordinal);
        Assert.Contains("angle, °", text.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("top-1", text.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_needs_classes_or_poses_is_refused()
    {
        string images = _folder.WriteImages("images", 2, 2);
        CliRunner.Run("classify", _model, images).AssertRefused("gives the pose of a shape, not classes");
        CliRunner.Run("eval", _model, "--data", images).AssertRefused("builtin/train and builtin/test only");
        CliRunner.Run("eval", _model, "--data", "builtin/test", "--confusion").AssertRefused("--confusion");
        CliRunner.Run("finetune", _model, "--data", images, "--batch", "2", "-o", _folder["tuned"]).AssertRefused(
            "known for builtin/train");
        CliRunner.Run("train", "--model", "vim-pose-micro", "--data", "builtin-masks/train", "-o", _folder["masks"])
            .AssertRefused("gives the pose of a shape");
        string[] choosing = ["--calibration", "builtin/train", "--images", "4", "--data", images];
        CliRunner.Run(["compare", _model, .. choosing, "--methods", "minmax"])
            .AssertRefused("builtin/train and builtin/test only");
        CliRunner.Run(["sensitivity", _model, .. choosing]).AssertRefused("classify images or pixels");
        CliRunner.Run(["search", _model, .. choosing, "--budget", "drop<=1", "-o", _folder["r.json"]])
            .AssertRefused("not for poses");
    }
}
