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
    }
}
