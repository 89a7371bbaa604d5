using System.Diagnostics;
using System.Text.Json;

namespace Bitis.Tests.Cli;

/// <summary>Where commands write to: what they refuse before the work, and what they leave alone.</summary>
public sealed class OutputTests : IDisposable
{
    private const string TrainingRecipe =
        """
        {
          "config": {
            "family": "vim", "imageSize": 8, "patchSize": 4, "stride": 4, "width": 8, "innerWidth": 16, "depth": 1,
            "stateSize": 4, "deltaRank": 1, "classes": 2
          },
          "epochs": 1, "batchSize": 4
        }
        """;

    private readonly TempFolder _folder = new();
    private readonly string _checkpoint;
    private readonly string _images;

    public OutputTests()
    {
        _checkpoint = _folder["mine.safetensors"];
        File.Copy(GoldenFiles.Path("vim-micro.safetensors"), _checkpoint);
        _images = _folder.WriteImages("images", 4, 2);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Quantize_writes_over_none_of_its_inputs()
    {
        byte[] before = File.ReadAllBytes(_checkpoint);
        string recipe = _folder.WriteText("recipe.json", """{ "method": "minmax" }""");
        string image = Directory.GetFiles(_images, "*", SearchOption.AllDirectories)[0], link = _folder["link.pth"];
        Quantize(_checkpoint).AssertRefused(_checkpoint, "the same file as the input");
        Quantize(recipe, "--recipe", recipe).AssertRefused(recipe, "the same file as the input");
        Quantize(image).AssertRefused(image, "a file in the input");
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink(link, _checkpoint);
            Quantize(link).AssertRefused(link, "the same file as the input");
        }
        if (OperatingSystem.IsLinux())
        {
            string hard = _folder["hard.bitis"];
            using (Process make = Process.Start("ln", [_checkpoint, hard]))
                make.WaitForExit();
            Assert.Single(Quantize(hard).AssertRefused(hard, "the same file as the input").Error.TrimEnd().Split('\n'));
        }
        Assert.Equal(before, File.ReadAllBytes(_checkpoint));
    }

    [Fact]
    public void A_training_writes_over_none_of_its_inputs()
    {
        string run = _folder.CreateFolder("run"), best = Path.Combine(run, "best.safetensors");
        string recipe = _folder.WriteText("recipe.json", TrainingRecipe);
        CliRunner.Run("train", "--recipe", recipe, "--data", _images, "-o", _folder["first"]).AssertSucceeded();
        File.Copy(Path.Combine(_folder["first"], "final.safetensors"), best);
        byte[] before = File.ReadAllBytes(best);
        CliRunner.Run("train", "--recipe", recipe, "--data", _images, "--init", best, "-o", run)
            .AssertRefused(run, "best.safetensors already");
        CliRunner.Run("finetune", best, "--data", _images, "-o", run).AssertRefused(run, "best.safetensors already");
        Assert.Equal(before, File.ReadAllBytes(best));
        Assert.Single(Directory.GetFileSystemEntries(run));
    }

    [Fact]
    public void Files_of_a_training_that_cannot_be_written_are_found_before_it()
    {
        string run = _folder.CreateFolder("run");
        Directory.CreateDirectory(Path.Combine(run, "final.safetensors"));
        CliRunner.Run("train", "--data", "missing", "-o", run).AssertRefused("final.safetensors", "this is a folder");
        CliRunner.Run("train", "--data", "missing", "-o", Path.Combine(_checkpoint, "run"))
            .AssertRefused("is a file, not a folder");
        string longName = _folder[new string('n', 300)];
        CliRunner.Run("train", "--data", "missing", "-o", longName).AssertRefused("cannot be created");
        CliRunner.Run("analyze", "missing.pth", "--data", "missing", "--svg", longName)
            .AssertRefused("cannot be created");
    }

    [Fact]
    public void Analyze_makes_no_folder_before_it_has_figures_and_replaces_no_image()
    {
        string figures = _folder["figures"];
        CliRunner.Run("analyze", _checkpoint, "--data", "missing", "--svg", figures).AssertRefused("missing");
        Assert.False(Directory.Exists(figures));
        File.WriteAllText(Path.Combine(_images, "hiddenState.svg"), "mine");
        CliRunner.Run("analyze", _checkpoint, "--data", _images, "--svg", _images).AssertRefused("a file in the input");
    }

    [Fact]
    public void Names_are_checked_before_the_work()
    {
        CliRunner.Run("quantize", "missing", "--calibration", "missing", "-o", _folder[new string('n', 256)])
            .AssertRefused("cannot be written");
        string longest = _folder[new string('n', 252)]; // with .work it is too long
        CliRunner.Run("quantize", "missing", "--calibration", "missing", "--method", "ptq4vm", "-o", longest)
            .AssertRefused("the folder for finished blocks cannot be created");
        Quantize(longest).AssertSucceeded();
    }

    [Fact]
    public void A_folder_that_only_looks_like_a_work_folder_stays()
    {
        string output = _folder["vim.bitis"], mine = Path.Combine(_folder.CreateFolder("vim.bitis.work"), "mine.txt");
        File.WriteAllText(mine, "precious");
        Quantize(output).AssertSucceeded();
        Quantize(output, "--method", "ptq4vm+", "--steps", "1", "--bits", "w4a4").AssertSucceeded();
        Assert.Equal([mine], Directory.GetFileSystemEntries(_folder["vim.bitis.work"]));
        File.Delete(mine);
        Quantize(output, "--method", "ptq4vm+", "--steps", "1", "--bits", "w4a4").AssertSucceeded();
        Assert.False(Directory.Exists(_folder["vim.bitis.work"]));
    }

    [LinuxFact]
    public void Devices_stay_and_get_the_whole_model()
    {
        JsonElement written = CliRunner.RunJson(
            "quantize", _checkpoint, "--calibration", _images, "-o", "/dev/null", "--method", "ptq4vm+", "--steps",
            "1");
        Assert.True(written.GetProperty("fileBytes").GetInt64() > 10_000);
        Assert.False(File.GetAttributes("/dev/null").HasFlag(FileAttributes.Directory));
        Assert.False(Directory.Exists("/dev/null.work"));
        using (var nothing = new FileStream("/dev/null", FileMode.Open))
            Assert.Equal(0, nothing.Length);
        CliRunner.Run("quantize", _checkpoint, "--calibration", _images, "-o", "/dev/full")
            .AssertRefused("/dev/full", "No space left");
    }

    [LinuxFact]
    public void Hard_links_are_spoken_of_and_links_that_lead_nowhere_refused()
    {
        string output = _folder.WriteText("a.bitis", "old"), other = _folder["b.bitis"], dangling = _folder["c.bitis"];
        using (Process link = Process.Start("ln", [output, other]))
            link.WaitForExit();
        string refused = CliRunner.Run("quantize", _checkpoint, "--calibration", "missing", "-o", output)
            .AssertRefused("missing").Error;
        Assert.DoesNotContain("hard links", refused); // nothing was written, so there is nothing to say of them
        Assert.Contains("Warning: ", Quantize(output).AssertSucceeded().Error);
        Assert.Equal("old", File.ReadAllText(other));
        string circle = _folder["circle"];
        File.CreateSymbolicLink(circle, "circle");
        CliRunner.Run("quantize", "missing", "--calibration", "missing", "-o", circle)
            .AssertRefused(circle, "in a circle");
        CliRunner.Run("inspect", circle).AssertRefused(circle, "in a circle");
        File.CreateSymbolicLink(dangling, "nowhere");
        CliRunner.Run("quantize", "missing", "--calibration", "missing", "-o", dangling)
            .AssertRefused(dangling, "'nowhere', which does not exist");
    }

    private CliOutcome Quantize(string output, params string[] options) =>
        CliRunner.Run(["quantize", _checkpoint, "--calibration", _images, "-o", output, .. options]);
}
