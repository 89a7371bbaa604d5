
namespace Bitis.Tests.Cli;

/// <summary>Options for what a file does not tell, given for files that tell it.</summary>
public sealed class ModelOptionsTests : IDisposable
{
    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private readonly TempFolder _folder = new();
    private readonly string _images;
    private readonly string _quantized;

    public ModelOptionsTests()
    {
        _images = _folder.WriteImages("images", 4, 2);
        _quantized = _folder["vim.bitis"];
        CliRunner.Run("quantize", Checkpoint, "--calibration", _images, "-o", _quantized).AssertSucceeded();
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("--stride", "7", "contradicts the file")]
    [InlineData("--class-token", "first", "contradicts the file")]
    [InlineData("--no-halving", null, "contradicts the file")]
    [InlineData("--image-size", "99", "contradicts the file")]
    [InlineData("--directions", "h", "does not apply")]
    [InlineData("--weights-key", "nix", "Leave the option out")]
    public void Every_command_refuses_them_for_a_quantized_model(string option, string? value, string words)
    {
        string[] options = value is null ? [option] : [option, value];
        string[][] commands =
        [
            ["inspect", _quantized],
            ["classify", _quantized, _images],
            ["eval", _quantized, "--data", _images],
            ["bench", _quantized, "--images", "1", "--warmup", "0"],
            ["analyze", _quantized, "--data", _images],
        ];
        foreach (string[] command in commands)
            CliRunner.Run([.. command, .. options]).AssertRefused(_quantized, option, words);
    }

    [Fact]
    public void Options_that_agree_are_taken() =>
        CliRunner.Run("inspect", _quantized, "--class-token", "middle").AssertSucceeded();

    [Fact]
    public void A_key_of_the_weights_is_for_a_quantized_model_s_baseline()
    {
        string baseline = GoldenFiles.Path("vim-micro.pth");
        string[] bench = ["bench", _quantized, "--images", "1", "--warmup", "0", "--baseline"];
        CliRunner.Run([.. bench, baseline, "--weights-key", "model"]).AssertSucceeded();
        CliRunner.Run([.. bench, baseline, "--weights-key", "nix"]).AssertRefused(baseline, "nix");
        CliRunner.Run([.. bench, _quantized, "--weights-key", "model"]).AssertRefused("Leave the option out");
    }

    [Fact]
    public void A_model_that_describes_itself_has_no_key_of_weights()
    {
        string path = _folder["model.safetensors"];
        VisionModel.Load(Checkpoint).Save(path);
        CliRunner.Run("inspect", path, "--weights-key", "nix").AssertRefused(path, "nix");
        CliRunner.Run("inspect", path, "--weights-key", "head").AssertRefused(path, "--weights-key", "describes");
    }
}
