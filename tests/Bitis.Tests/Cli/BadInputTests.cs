using System.Text.Json;

namespace Bitis.Tests.Cli;

/// <summary>Files that cannot be used: one message, exit code 2, and nothing written.</summary>
public sealed class BadInputTests : IDisposable
{
    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private readonly TempFolder _folder = new();
    private readonly string _images;

    public BadInputTests() => _images = _folder.WriteImages("images", 4, 2);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_text_file_is_not_a_model()
    {
        string text = _folder.WriteText("model.pth", "not a model, but long enough to look at");
        CliRunner.Run("inspect", text).AssertRefused(text);
        CliRunner.Run("bench", text).AssertRefused(text);
    }

    [Fact]
    public void A_truncated_checkpoint_is_refused()
    {
        string cut = _folder["cut.safetensors"];
        File.WriteAllBytes(cut, File.ReadAllBytes(Checkpoint)[..^100]);
        CliRunner.Run("inspect", cut).AssertRefused(cut);
    }

    [Theory]
    [InlineData("hf:owner")]
    [InlineData("hf:owner/../file.pth")]
    public void A_malformed_hub_reference_is_refused(string reference) =>
        CliRunner.Run("inspect", reference).AssertRefused(reference, "hf:owner/name/file");

    [Fact]
    public void Weights_that_are_not_numbers_are_named()
    {
        string damaged = _folder["nan.safetensors"];
        byte[] bytes = File.ReadAllBytes(Checkpoint);
        BitConverter.GetBytes(float.NaN).CopyTo(bytes, bytes.Length - sizeof(float));
        File.WriteAllBytes(damaged, bytes);
        JsonElement inspected = CliRunner.RunJson("inspect", damaged);
        string name = Assert.Single(inspected.GetProperty("nonFiniteTensors").EnumerateArray()).GetString()!;
        CliRunner.Run("bench", damaged).AssertRefused(damaged, name);
    }

    [Fact]
    public void Batches_that_no_tensor_can_hold_are_named() =>
        CliRunner.Run("bench", Checkpoint, "--batch", "1000000000").AssertRefused("[1000000000, 3, ", "smaller batch");

    [Fact]
    public void Architectures_that_no_tensor_can_hold_are_named()
    {
        string recipe = _folder.WriteText("recipe.json", """
            { "config": { "family": "vim", "imageSize": 2048, "patchSize": 4, "stride": 4, "width": 65536,
              "innerWidth": 65536, "depth": 1, "deltaRank": 1, "classes": 2 }, "epochs": 1, "batchSize": 4 }
            """);
        string run = _folder["run"];
        CliRunner.Run("train", "--recipe", recipe, "--data", _images, "-o", run).AssertRefused("65536", "elements");
        Assert.False(Directory.Exists(run));
    }

    [Fact]
    public void A_folder_is_not_a_model() => CliRunner.Run("inspect", _images).AssertRefused(_images, "folder");

    [Fact]
    public void Damaged_quantized_models_are_refused()
    {
        string good = _folder["good.bitis"], bad = _folder["bad.bitis"];
        CliRunner.Run("quantize", Checkpoint, "--calibration", _images, "-o", good).AssertSucceeded();
        byte[] bytes = File.ReadAllBytes(good);
        foreach (int length in (int[])[0, 7, 100, bytes.Length / 2, bytes.Length - 1])
        {
            File.WriteAllBytes(bad, bytes[..length]);
            CliRunner.Run("inspect", bad).AssertRefused(bad);
        }
    }

    [Fact]
    public void Quantized_models_cannot_be_quantized_and_float_models_cannot_be_simulated()
    {
        string quantized = _folder["vim.bitis"];
        CliRunner.Run("quantize", Checkpoint, "--calibration", _images, "-o", quantized).AssertSucceeded();
        CliRunner.Run("quantize", quantized, "--calibration", _images, "-o", _folder["again.bitis"])
            .AssertRefused("quantized already");
        CliRunner.Run("eval", Checkpoint, "--data", _images, "--simulate").AssertRefused("--simulate");
    }

    [Theory]
    [InlineData("missing/vim.bitis", "does not exist")]
    [InlineData("images", "folder")]
    public void An_output_that_cannot_be_written_is_found_before_the_work(string output, string words) =>
        CliRunner.Run("quantize", "missing.pth", "--calibration", "missing", "-o", _folder[output])
            .AssertRefused(_folder[output], words);

    [Fact]
    public void Empty_image_folders_and_text_files_are_refused()
    {
        string empty = _folder.CreateFolder("empty"), output = _folder["vim.bitis"];
        CliRunner.Run("quantize", Checkpoint, "--calibration", empty, "-o", output).AssertRefused(empty);
        CliRunner.Run("eval", Checkpoint, "--data", _folder["nowhere"]).AssertRefused("nowhere");
        string text = _folder.WriteText("photo.jpg", "not a photo");
        CliRunner.Run("classify", Checkpoint, text).AssertRefused(text, "not an image");
        File.Copy(text, Path.Combine(_images, "class00", "photo.jpg"));
        CliRunner.Run("quantize", Checkpoint, "--calibration", _images, "-o", output)
            .AssertRefused("photo.jpg", "not an image");
        Assert.False(File.Exists(output));
    }

    [Fact]
    public void Labels_must_be_classes_of_the_model()
    {
        string images = _folder.WriteImages("many", 12, 12);
        CliRunner.Run("eval", Checkpoint, "--data", images)
            .AssertRefused("the images have 12 classes, the model has 10");
    }

    [Fact]
    public void Class_names_must_be_as_many_as_classes()
    {
        string names = _folder.WriteText("names.txt", "cat\ndog\n");
        CliRunner.Run("classify", Checkpoint, _images, "--classes", names)
            .AssertRefused(names, "2 lines", "10 classes");
        File.WriteAllText(names, "cat\n");
        CliRunner.Run("classify", Checkpoint, _images, "--classes", names).AssertRefused("this has 1 line;");
        CliRunner.Run("classify", Checkpoint, _images, "--classes", "missing.txt").AssertRefused("missing.txt");
    }

    [Fact]
    public void Overrides_must_match_an_operator()
    {
        string[] command = ["quantize", Checkpoint, "--calibration", _images, "-o", _folder["vim.bitis"], "--override"];
        CliRunner.Run([.. command, "nothing*=w8a8"]).AssertRefused("nothing*", "--nodes");
        CliRunner.Run([.. command, "nonsense"]).AssertRefused("PATTERN=BITS");
    }

    [Fact]
    public void A_baseline_must_have_the_same_classes_and_images()
    {
        string other = GoldenFiles.Path("vim-micro-overlap.pth");
        CliRunner.Run("eval", Checkpoint, "--data", _images, "--baseline", other)
            .AssertRefused(other, "[3, 32, 32]", "cannot be compared");
    }
}
