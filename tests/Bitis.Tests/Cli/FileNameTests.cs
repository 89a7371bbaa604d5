using System.Diagnostics;

namespace Bitis.Tests.Cli;

/// <summary>Names of files that are not UTF-8, have control characters or backslashes, or are too long.</summary>
public sealed class FileNameTests : IDisposable
{
    private const string NotUtf8 = "not UTF-8";

    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private readonly TempFolder _folder = new();
    private readonly string _images;

    public FileNameTests() => _images = _folder.WriteImages("images", 4, 2);

    public void Dispose()
    {
        if (OperatingSystem.IsLinux())
            Shell($"rm -rf '{_folder.Path}'/*"); // .NET cannot delete what it cannot name
        _folder.Dispose();
    }

    [LinuxFact]
    public void An_image_or_class_folder_that_cannot_be_named_is_not_left_out()
    {
        string image = Directory.GetFiles(_images, "*", SearchOption.AllDirectories)[0];
        Shell($"cp '{image}' '{_images}'/class00/$'new\\xff.bmp'");
        CliRunner.Run("classify", Checkpoint, _images).AssertRefused(_images, NotUtf8);
        Shell($"rm '{_images}'/class00/$'new\\xff.bmp'; mv '{_images}/class00' '{_images}'/$'class\\xff'");
        CliRunner.Run("eval", Checkpoint, "--data", _images).AssertRefused(_images, NotUtf8);
    }

    [LinuxFact]
    public void Arguments_that_are_not_utf8_are_refused()
    {
        string path = $"{_folder.Path}/a\uFFFD"; // what .NET makes of the bytes of an argument
        CliRunner.Run("inspect", path).AssertRefused(path, NotUtf8);
        CliRunner.Run("classify", Checkpoint, path).AssertRefused(path, NotUtf8);
        CliRunner.Run("classify", Checkpoint, _images, "--classes", path).AssertRefused(path, NotUtf8);
        CliRunner.Run("quantize", Checkpoint, "--calibration", _images, "--recipe", path, "-o", _folder["o"])
            .AssertRefused(path, NotUtf8);
        CliRunner.Run("quantize", Checkpoint, "--calibration", _images, "-o", path).AssertRefused(path, NotUtf8);
        CliRunner.Run("train", "--data", _images, "-o", path).AssertRefused(path, NotUtf8);
        CliRunner.Run("analyze", Checkpoint, "--data", _images, "--svg", path).AssertRefused(path, NotUtf8);
        Assert.Equal([_images], Directory.GetFileSystemEntries(_folder.Path));
    }

    [LinuxFact]
    public void Control_characters_and_backslashes_are_read_and_shown_escaped()
    {
        string set = _folder.CreateFolder("set/a\u001b[31m\n");
        string image = Directory.GetFiles(_images, "*", SearchOption.AllDirectories)[0];
        File.Copy(image, Path.Combine(set, "b\\c\u0007.bmp"));
        CliOutcome outcome = CliRunner.Run("classify", Checkpoint, _folder["set"]).AssertSucceeded();
        Assert.Contains(@"a\u001b[31m\u000a/b\c\u0007.bmp", outcome.Output);
        Assert.DoesNotContain('\u001b', outcome.Output);
        string model = _folder["m\u001b.bitis"];
        outcome = CliRunner.Run("quantize", Checkpoint, "--calibration", _images, "-o", model).AssertSucceeded();
        Assert.Contains(@"m\u001b.bitis", outcome.Output);
        CliRunner.Run("inspect", model).AssertSucceeded();
    }

    [Theory]
    [InlineData(300)]
    [InlineData(5_000)]
    [InlineData(100_000)]
    public void Names_that_are_too_long_are_cut(int length)
    {
        string name = new('x', length);
        string[][] commands =
        [
            ["inspect", name],
            ["classify", Checkpoint, name],
            ["quantize", Checkpoint, "--calibration", _images, "--recipe", name, "-o", _folder["o"]],
            ["quantize", Checkpoint, "--calibration", _images, "-o", _folder[name]],
            ["train", "--data", _images, "-o", _folder[name]],
        ];
        foreach (string[] command in commands)
        {
            CliOutcome outcome = CliRunner.Run(command).AssertRefused();
            Assert.InRange(outcome.Error.Length, 1, DisplayText.MessageLength + 100);
            Assert.Matches("no such file|too long|cannot be", outcome.Error);
            Assert.DoesNotContain("fault", outcome.Error);
        }
    }

    private static void Shell(string script)
    {
        using Process process = Process.Start("bash", ["-c", script]);
        process.WaitForExit();
    }
}
