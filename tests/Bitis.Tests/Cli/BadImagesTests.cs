using System.Text.Json;

namespace Bitis.Tests.Cli;

/// <summary>Images that cannot be decoded, beside good ones: <c>--bad-images</c>.</summary>
public sealed class BadImagesTests : IDisposable
{
    private const int Images = 12, Classes = 10;

    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private static readonly byte[] Jpeg = File.ReadAllBytes(GoldenFiles.Path("images/tiny.jpg"));

    private readonly TempFolder _folder = new();
    private readonly string _images;
    private readonly string _cut;

    public BadImagesTests()
    {
        _images = _folder.WriteImages("images", Images, Classes);
        _cut = Path.Combine(_images, "class03", "cut.jpg");
        File.WriteAllBytes(_cut, Jpeg[..(Jpeg.Length / 2)]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void One_of_them_ends_a_run_and_the_message_says_what_to_do()
    {
        string output = _folder["vim.bitis"], run = _folder["run"];
        string[][] commands =
        [
            ["eval", Checkpoint, "--data", _images],
            ["quantize", Checkpoint, "--calibration", _images, "-o", output],
            ["analyze", Checkpoint, "--data", _images],
            ["train", "--data", _images, "--epochs", "1", "--batch", "13", "-o", run],
        ];
        foreach (string[] command in commands)
            CliRunner.Run(command).AssertRefused("cut.jpg", "truncated or damaged", "--bad-images skip");
        Assert.False(File.Exists(output));
    }

    [Fact]
    public void Skipped_images_are_counted_and_named()
    {
        string[] command = ["eval", Checkpoint, "--data", _images, "--bad-images", "skip"];
        CliOutcome text = CliRunner.Run(command).AssertSucceeded();
        Assert.Contains($"{Images} evaluated", text.Output);
        Assert.Contains("1 image that cannot be decoded", text.Output);
        Assert.Contains($"left out: {_cut}: the JPEG file is truncated", text.Error);
        JsonElement json = CliRunner.RunJson(command);
        Assert.Equal((Images, 1), (json.GetProperty("images").GetInt32(), json.GetProperty("skipped").GetInt32()));
    }

    [Fact]
    public void Quantizing_and_training_leave_them_out()
    {
        string output = _folder["vim.bitis"], run = _folder["run"];
        JsonElement quantized = CliRunner.RunJson(
            "quantize", Checkpoint, "--calibration", _images, "--bad-images", "skip", "--images", "64", "-o", output);
        Assert.Equal(Images, quantized.GetProperty("calibration").GetProperty("images").GetInt32());
        Assert.Equal(1, quantized.GetProperty("skipped").GetInt32());
        JsonElement trained = CliRunner.RunJson(
            "train", "--data", _images, "--validation", _images, "--bad-images", "skip", "--epochs", "1", "--batch",
            "6",
            "-o", run);
        Assert.Equal(1, trained.GetProperty("skipped").GetInt32());
        Assert.Equal(1, trained.GetProperty("skippedValidation").GetInt32());
    }

    [Fact]
    public void Few_are_named_and_the_others_are_counted()
    {
        for (int i = 0; i < 5; i++)
            File.WriteAllBytes(Path.Combine(_images, "class00", $"cut{i}.jpg"), Jpeg[..1000]);
        string[] command = ["eval", Checkpoint, "--data", _images, "--bad-images", "skip"];
        CliOutcome outcome = CliRunner.Run(command).AssertSucceeded();
        Assert.Equal(4, outcome.Error.Split('\n').Count(line => line.Contains("left out", StringComparison.Ordinal)));
        Assert.Contains("3 more images are left out, too", outcome.Error);
        Assert.Contains("6 images that cannot be decoded", outcome.Output);
    }

    [Fact]
    public void Classify_answers_for_the_good_ones_and_fails_for_the_others()
    {
        string good = Path.Combine(_images, "class00", "image000.bmp");
        string[] paths = [_cut, good, _folder["missing.png"], _folder.WriteText("page.png", "<html>")];
        CliOutcome outcome = CliRunner.Run(["classify", Checkpoint, .. paths, "--json"]);
        Assert.Equal(2, outcome.ExitCode);
        JsonElement json = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal(good, Assert.Single(json.GetProperty("images").EnumerateArray()).GetProperty("image").GetString());
        Assert.Equal(
            [_cut, paths[2], paths[3]],
            json.GetProperty("badImages").EnumerateArray().Select(bad => bad.GetProperty("image").GetString()));
        string[] words =
            [
                "cut.jpg: the JPEG file",
                "missing.png: no such file",
                "page.png: this is a web page",
                "--bad-images skip",
            ];
        foreach (string word in words)
            Assert.Contains(word, outcome.Error);

        CliOutcome skipping = CliRunner.Run(["classify", Checkpoint, .. paths, "--bad-images", "skip"]);
        skipping.AssertSucceeded();
        Assert.Contains("image000.bmp", skipping.Output);
        Assert.Contains("cut.jpg", skipping.Error);
    }

    [Fact]
    public void Without_any_good_image_there_is_no_answer()
    {
        string[] paths = [_cut, _folder.WriteText("page.png", "<html>")];
        CliRunner.Run(["classify", Checkpoint, .. paths, "--bad-images", "skip"])
            .AssertRefused("None of the 2 images can be used", "cut.jpg");
        string folder = _folder.CreateFolder("bad");
        File.WriteAllBytes(Path.Combine(folder, "a.jpg"), Jpeg[..1000]);
        File.WriteAllBytes(Path.Combine(folder, "b.jpg"), Jpeg[..2000]);
        CliRunner.Run("eval", Checkpoint, "--data", folder, "--bad-images", "skip")
            .AssertRefused("None of the 2 images can be decoded", "a.jpg");
    }

    [Fact]
    public void Damaged_images_that_viewers_show_are_used_with_a_warning()
    {
        File.WriteAllBytes(_cut, [.. Jpeg[..(Jpeg.Length * 3 / 4)], 0xFF, 0xD9]);
        string output = _folder["vim.bitis"];
        string[][] commands =
        [
            ["eval", Checkpoint, "--data", _images],
            ["classify", Checkpoint, _cut],
            ["quantize", Checkpoint, "--calibration", _images, "-o", output],
        ];
        foreach (string[] command in commands)
        {
            CliOutcome outcome = CliRunner.Run(command).AssertSucceeded();
            Assert.Contains("cut.jpg: the JPEG file is damaged", outcome.Error);
        }
    }

    [Fact]
    public void A_training_goes_on_with_the_same_orientation_only()
    {
        File.Delete(_cut);
        string run = _folder["run"];
        string[] start = ["train", "--data", _images, "--epochs", "1", "--batch", "6", "-o", run, "--exif-orientation"];
        Assert.Contains("turned as EXIF says", CliRunner.Run(start).AssertSucceeded().Output);
        string[] resume = ["train", "--data", _images, "-o", run, "--resume"];
        CliRunner.Run(resume).AssertRefused("training.decoderSettings is \"turned as EXIF says\" in it, and null here");
        CliRunner.Run([.. resume, "--exif-orientation"]).AssertSucceeded();
    }

    [Fact]
    public void Orientation_is_an_option()
    {
        string photo = GoldenFiles.Path("images/exif-rotate6.jpg");
        string lying = CliRunner.Run("classify", Checkpoint, photo).AssertSucceeded().Output;
        string upright = CliRunner.Run("classify", Checkpoint, photo, "--exif-orientation").AssertSucceeded().Output;
        Assert.NotEqual(lying, upright);
        CliRunner.Run("classify", Checkpoint, photo, "--bad-images", "perhaps")
            .AssertRefused("skip or fail", "'perhaps'");
    }
}
