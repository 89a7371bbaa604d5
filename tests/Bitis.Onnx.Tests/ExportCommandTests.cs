using System.Text.Json;
using Bitis.Cli;
using Bitis.Fuzz;
using Bitis.Tests;
using Bitis.Tests.Cli;

namespace Bitis.Onnx.Tests;

/// <summary><c>bitis export</c>: files, the comparison, and messages.</summary>
public sealed class ExportCommandTests : IDisposable
{
    private static readonly string Images = Path.Combine(AppContext.BaseDirectory, "images");

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_shipped_model_agrees()
    {
        string output = _folder["vim.onnx"];
        JsonElement result = CliRunner.RunJson(
            "export", "vim-micro-builtin", "-o", output, "--check", Images, "--threads", "1");
        Assert.Equal(new FileInfo(output).Length, result.GetProperty("fileBytes").GetInt64());
        JsonElement parity = result.GetProperty("parity");
        Assert.Equal(1, parity.GetProperty("top1").GetDouble());
        Assert.InRange(parity.GetProperty("maxLogitError").GetDouble(), 0, 1e-4);
        Assert.StartsWith("ONNX Runtime 1.", parity.GetProperty("runtime").GetString(), StringComparison.Ordinal);
        CliOutcome outcome = CliRunner.Run(
            "export", "vim-micro-builtin", "-o", output, "--check", Images, "--with-preprocessing", "--opset", "20",
            "--scan", "linear-attention", "--images", "2");
        Assert.Contains("100.00 % same top-1", outcome.AssertSucceeded().Output, StringComparison.Ordinal);
        Assert.Contains("2 images", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_quantized_model_says_what_is_in_integers()
    {
        string model = _folder["vim.bitis"];
        MicroModels.Quantize("vim", new Recipe { Method = "minmax", Scope = Scope.Full }).Save(model);
        CliOutcome outcome = CliRunner.Run("export", model, "-o", _folder["vim.onnx"]).AssertSucceeded();
        Assert.Contains(" in integers", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("unchecked; --check", outcome.Output, StringComparison.Ordinal);
        outcome = CliRunner.Run("inspect", _folder["vim.onnx"]);
        Assert.Equal(ExitCodes.BadInput, outcome.ExitCode);
    }

    [Fact]
    public void An_exported_float_model_is_a_model_for_all_commands()
    {
        CliRunner.Run("export", "vim-micro-builtin", "-o", _folder["vim.onnx"]).AssertSucceeded();
        string[] answers =
        [
            .. new[] { "vim-micro-builtin", _folder["vim.onnx"] }.Select(
                model => CliRunner.Run("classify", model, Images).AssertSucceeded().Output),
        ];
        Assert.Equal(answers[0], answers[1]);
    }

    [Fact]
    public void What_cannot_be_done_is_refused_before_anything_is_written()
    {
        string output = _folder["model.onnx"];
        File.WriteAllText(_folder["no library.so"], "text");
        foreach ((string[] arguments, string message) in ((string[], string)[])[
            (["vim-micro-builtin", "-o", output, "--opset", "22"], "expected 17 to 21"),
            (["vim-micro-builtin", "-o", output, "--scan", "fast"], "linear-attention, not 'fast'"),
            (["vim-micro-builtin", "-o", _folder["none/model.onnx"]], "does not exist"),
            (["vim-micro-builtin", "-o", _folder.Path], "folder"),
            (["vim-micro-builtin", "-o", "/proc/model.onnx"], "cannot be written"),
            (["vim-micro-builtin", "-o", output, "--check", _folder["none"]], "none"),
            (["none.pth", "-o", output], "there is no such file")])
        {
            CliOutcome outcome = CliRunner.Run(["export", .. arguments]);
            Assert.Equal(ExitCodes.BadInput, outcome.ExitCode);
            Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
            Assert.False(File.Exists(output));
        }
    }

    [Fact]
    public void On_a_full_disk_nothing_changes()
    {
        if (!OperatingSystem.IsLinux())
            return;
        CliOutcome outcome = CliRunner.Run("export", "vim-micro-builtin", "-o", "/dev/full");
        Assert.Equal(ExitCodes.BadInput, outcome.ExitCode);
        Assert.Contains("/dev/full: cannot be written: No space left", outcome.Error, StringComparison.Ordinal);
    }

    [MountFact]
    public void A_full_disk_leaves_the_old_file()
    {
        string small = _folder.CreateFolder("small"), output = Path.Combine(small, "model.onnx");
        MountFactAttribute.Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small);
        try
        {
            File.WriteAllText(output, "old");
            CliOutcome outcome = CliRunner.Run("export", "vim-micro-builtin", "-o", output);
            Assert.Equal(ExitCodes.BadInput, outcome.ExitCode);
            Assert.Contains(
                "nothing was changed. Check the disk's free space", outcome.Error, StringComparison.Ordinal);
            Assert.Equal([output], Directory.GetFiles(small));
            Assert.Equal("old", File.ReadAllText(output));
        }
        finally
        {
            MountFactAttribute.Run("umount", small);
        }
    }
}
