using System.Text.Json;

namespace Bitis.Tests.Cli;

/// <summary><c>--dry-run</c> of commands that write: it says what would be done, and writes nothing.</summary>
public sealed class DryRunTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Of_quantize()
    {
        string output = _folder["model.bitis"];
        string[] command =
        [
            "quantize", "vim-micro-builtin", "--calibration", "builtin/train", "--images", "8", "-o", output,
            "--dry-run",
        ];
        CliOutcome outcome = CliRunner.Run([.. command, "--method", "ptq4vm+"]).AssertSucceeded();
        Assert.Contains("Nothing was done", outcome.Output, StringComparison.Ordinal);
        Assert.Contains($"write {output}", outcome.Output, StringComparison.Ordinal);
        JsonElement learned = CliRunner.RunJson([.. command, "--method", "ptq4vm+"]),
            estimated = CliRunner.RunJson([.. command, "--method", "mse"]);
        Assert.True(Runs(learned) > 10 * Runs(estimated));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));

        static long Runs(JsonElement result) => result.GetProperty("runs").GetInt64();
    }

    [Theory]
    [InlineData("builtin/train", "vim-micro")]
    [InlineData("builtin-masks/train", "vmamba-seg-micro")]
    public void Of_a_training(string data, string model)
    {
        string output = _folder["run"];
        string[] command =
        [
            "train", "--model", model, "--data", data, "--take", "64", "--validation", data.Replace("train", "test"),
            "--batch", "16", "--epochs", "3", "-o", output, "--dry-run",
        ];
        JsonElement result = CliRunner.RunJson(command);
        Assert.Equal(3 * 64, result.GetProperty("runs").GetInt64());
        Assert.Equal(
            result.GetProperty("seconds").GetDouble(),
            result.GetProperty("millisecondsPerImage").GetDouble() * 3 * 64 / 1000, 6);
        Assert.InRange(result.GetProperty("memoryBytes").GetInt64(), 1 << 20, 1L << 32);
        Assert.Contains("3 times", result.GetProperty("steps")[1].GetString(), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
        CliRunner.Run([.. command, "--resume"]).AssertRefused("--dry-run is for a new training");
    }

    [Fact]
    public void Of_a_finetuning()
    {
        CliOutcome outcome = CliRunner.Run(
            "finetune", "vim-micro-builtin", "--data", "builtin/train", "--take", "160", "-o", _folder["run"],
            "--dry-run").AssertSucceeded();
        Assert.Contains("train 10 epochs", outcome.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }
}
