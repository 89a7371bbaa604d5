using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Bitis.Cli;
using Bitis.Fuzz;
using Bitis.Models.Poses;
using Bitis.Models.Segmentation;
using Bitis.Models.VMamba;
using Bitis.Tests;
using Bitis.Tests.Cli;
using Google.Protobuf;
using Onnx;

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
    public void The_standard_attention_agrees_where_the_runtime_may_read_it()
    {
        // In a process of its own: the runtime reads the variable when it starts.
        string output = _folder["vim.onnx"];
        string[] command =
        [
            "export", "vim-micro-builtin", "-o", output, "--check", Images, "--opset", "27", "--scan",
            "linear-attention",
        ];
        using Process process = CliRunner.StartWith([("ALLOW_RELEASED_ONNX_OPSET_ONLY", "0")], command);
        Assert.Contains(
            "100.00 % same top-1", CliRunner.Finish(process).AssertSucceeded().Output, StringComparison.Ordinal);
        JsonElement result = CliRunner.RunJson("inspect", output);
        Assert.Equal(27, result.GetProperty("opset").GetInt32());
        Assert.Empty(result.GetProperty("domains").EnumerateArray());
        CliOutcome outcome = CliRunner.Run(command);
        Assert.Equal(ExitCodes.BadInput, outcome.ExitCode);
        Assert.Contains(
            "was written, but not compared: ONNX Runtime refuses it", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_quantized_model_says_what_is_in_integers()
    {
        string model = _folder["vim.bitis"];
        MicroModels.Quantize("vim", new Recipe { Method = "minmax", Scope = Scope.Full }).Save(model);
        CliOutcome outcome = CliRunner.Run("export", model, "-o", _folder["vim.onnx"]).AssertSucceeded();
        Assert.Contains(" in integers", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("unchecked; --check", outcome.Output, StringComparison.Ordinal);
        outcome = CliRunner.Run("inspect", _folder["vim.onnx"], "--tensors", "--nodes").AssertSucceeded();
        Assert.Contains("ONNX, quantized", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("minmax", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("opset 17", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("float64", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_quantized_classifier_answers_as_its_session()
    {
        string model = _folder["vim.bitis"];
        MicroModels.Quantize("vim", new Recipe { Method = "minmax", Bits = new BitWidths(4, 4) }).Save(model);
        CliOutcome outcome = CliRunner.Run("export", model, "-o", _folder["vim.onnx"], "--check", Images)
            .AssertSucceeded();
        Assert.Contains("8 bits each; --opset 21 stores 4", outcome.Output, StringComparison.Ordinal);
        JsonElement parity = CliRunner.RunJson(
            "export", model, "-o", _folder["vim.onnx"], "--check", Images, "--opset", "21").GetProperty("parity");
        Assert.InRange(parity.GetProperty("meanLogitError").GetDouble(), 0, 0.05);
    }

    [Fact]
    public void Maps_are_compared_pixel_by_pixel()
    {
        string model = _folder["segmenter.safetensors"];
        var backbone = new VMambaConfig
        {
            ImageSize = 32,
            Classes = 5,
            Depths = [1, 1, 1, 1],
            Width = 8,
            InnerWidth = 8,
            MlpWidth = 16,
        };
        var head = new HeadConfig { Kind = HeadKind.Fcn, Channels = 6, Stage = 2, Convolutions = 1 };
        VisionModel.CreateRandom(new VMambaSegmentationConfig(backbone, head), 3).Save(model);
        foreach (string[] more in (string[][])[[], ["--with-preprocessing"]])
        {
            JsonElement parity = CliRunner.RunJson(
                ["export", model, "-o", _folder["maps.onnx"], "--check", Images, .. more]).GetProperty("parity");
            Assert.InRange(parity.GetProperty("samePixels").GetDouble(), 0.999, 1);
            Assert.InRange(parity.GetProperty("maxLogitError").GetDouble(), 0, 1e-4);
            Assert.False(parity.TryGetProperty("top1", out JsonElement top1) && top1.ValueKind != JsonValueKind.Null);
        }
    }

    [Fact]
    public void Poses_are_compared_as_poses()
    {
        string model = _folder["poses.safetensors"];
        VisionModel.CreateRandom(new PoseConfig(MicroModels.Configs["vim"]), 3).Save(model);
        CliOutcome outcome = CliRunner.Run("export", model, "-o", _folder["poses.onnx"], "--check", Images)
            .AssertSucceeded();
        Assert.Contains(
            "poses differ by 0.000 pixels, radii by 0.000, angles by 0.00°", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Inspect_describes_what_was_exported_and_refuses_the_rest()
    {
        string file = _folder["vim.onnx"];
        CliRunner.Run("export", "vim-micro-builtin", "-o", file, "--with-preprocessing", "--scan", "linear-attention")
            .AssertSucceeded();
        JsonElement result = CliRunner.RunJson("inspect", file, "--tensors");
        Assert.Equal(new FileInfo(file).Length, result.GetProperty("fileBytes").GetInt64());
        Assert.Equal(17, result.GetProperty("opset").GetInt32());
        Assert.Equal("com.microsoft", result.GetProperty("domains")[0].GetString());
        Assert.True(result.GetProperty("takesBytes").GetBoolean());
        Assert.Contains(
            result.GetProperty("tensors").EnumerateArray(),
            tensor => tensor.GetProperty("name").GetString() == "head.weight");

        byte[] bytes = File.ReadAllBytes(file);
        File.WriteAllBytes(_folder["short.onnx"], bytes[..(bytes.Length / 2)]);
        File.WriteAllBytes(_folder["foreign.onnx"], new ModelProto { ProducerName = "other" }.ToByteArray());
        foreach ((string name, string message) in ((string, string)[])[
            ("short.onnx", "damaged"), ("foreign.onnx", "not of Bitis"), ("none.onnx", "there is no such file")])
        {
            CliOutcome outcome = CliRunner.Run("inspect", _folder[name]);
            Assert.Equal(ExitCodes.BadInput, outcome.ExitCode);
            Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_comparison_that_fails_says_that_the_file_is_there()
    {
        string images = Directory.CreateDirectory(_folder["images"]).FullName, output = _folder["vim.onnx"];
        File.WriteAllText(Path.Combine(images, "no.png"), "no image");
        CliOutcome outcome = CliRunner.Run("export", "vim-micro-builtin", "-o", output, "--check", images);
        Assert.Equal(ExitCodes.BadInput, outcome.ExitCode);
        Assert.Contains($"{output}: was written, but not compared: ", outcome.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(output));
    }

    [Fact]
    public async Task A_cancelled_comparison_says_that_the_file_is_there()
    {
        using var cancellation = new CancellationTokenSource();
        using var error = new StringWriter();
        var context = new CliContext { Output = TextWriter.Null, Error = error, Cancellation = cancellation.Token };
        string output = _folder["vim.onnx"];
        Task<int> running = Task.Run(() => CommandLine.Run(
            ["export", "vim-micro-builtin", "-o", output, "--check", "builtin/train"], context));
        while (!running.IsCompleted && !File.Exists(output))
            await Task.Delay(20);
        await cancellation.CancelAsync();
        Assert.Equal(ExitCodes.BadInput, await running);
        Assert.Contains($"{output}: was written; its comparison was cancelled.", error.ToString());
    }

    [Fact]
    public void What_only_a_comparison_reads_and_names_that_nobody_knows_are_not_silent()
    {
        foreach ((string option, string value) in ((string, string)[])[("--images", "5"), ("--onnxruntime", "x.so")])
        {
            CliOutcome refused = CliRunner.Run("export", "vim-micro-builtin", "-o", _folder["a.onnx"], option, value);
            Assert.Equal(ExitCodes.BadInput, refused.ExitCode);
            Assert.Contains($"{option} is for --check", refused.Error, StringComparison.Ordinal);
            Assert.False(File.Exists(_folder["a.onnx"]));
        }
        string text = _folder["a.txt"];
        CliOutcome written = CliRunner.Run("export", "vim-micro-builtin", "-o", text).AssertSucceeded();
        Assert.Contains("names that end in .onnx", written.Error, StringComparison.Ordinal);
        Assert.Contains("a name that ends in .onnx", CliRunner.Run("inspect", text).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_that_is_none_is_refused_by_name()
    {
        File.WriteAllText(_folder["text.so"], "no library");
        string other = Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), OperatingSystem.IsWindows()
            ? "System.IO.Compression.Native.dll"
            : OperatingSystem.IsMacOS()
                ? "libSystem.IO.Compression.Native.dylib"
                : "libSystem.IO.Compression.Native.so");
        foreach ((string library, string message) in ((string, string)[])[
            (_folder["none.so"], "there is no such file"), (_folder.Path, "this is a folder"),
            (_folder["text.so"], "cannot be loaded"),
            (other, "this is not the native library of ONNX Runtime")])
        {
            // In a process of its own: one process loads the library once.
            using Process process = CliRunner.Start(
                "export", "vim-micro-builtin", "-o", _folder["model.onnx"], "--check", Images,
                "--onnxruntime", library);
            CliOutcome outcome = CliRunner.Finish(process);
            Assert.Equal(ExitCodes.BadInput, outcome.ExitCode);
            Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
            Assert.Contains(Path.GetFileName(library), outcome.Error, StringComparison.Ordinal);
            Assert.False(File.Exists(_folder["model.onnx"]));
        }
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
        foreach ((string[] arguments, string message) in ((string[], string)[])[
            (["vim-micro-builtin", "-o", output, "--opset", "22"], "expected 17 to 21"),
            (["vim-micro-builtin", "-o", output, "--opset", "27"], "linear attention only"),
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
