using System.Text.Json;
using Bitis.Data.LabelMaps;
using Bitis.Tests.Data;

namespace Bitis.Tests.Cli;

/// <summary><c>bitis train</c> and <c>bitis finetune</c> of models that segment.</summary>
public sealed class SegmentTrainTests : IDisposable
{
    private const int Width = 60, Height = 44, Images = 4, Classes = 19;
    private static readonly string Model = GoldenFiles.Path("vmamba-seg-micro.pth");

    private readonly TempFolder _folder = new();
    private readonly string[] _finetune;

    public SegmentTrainTests()
    {
        var random = new Random(1);
        for (int i = 0; i < Images; i++)
        {
            byte[] pixels = new byte[Width * Height * 3];
            random.NextBytes(pixels);
            _folder.Write($"images/{i}.bmp", TestImages.Bmp(PixelImage.Rgb(Width, Height, pixels)));
            WriteLabels($"truth/{i}.png", p => (byte)(p % Width < Width / 2 ? 2 : 0));
        }
        _finetune =
        [
            "finetune", Model, "--image-size", "32", "--data", _folder["images"], "--labels", _folder["truth"],
            "--batch", "2", "--epochs", "2", "--recipe",
            _folder.WriteText("recipe.json", """{ "augmentation": { "labelSmoothing": 0 } }"""),
        ];
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_trains_on_built_in_masks_and_the_result_segments()
    {
        JsonElement result = CliRunner.RunJson(
            "train", "--model", "vmamba-seg-micro", "--data", "builtin-masks/train", "--take", "8", "--validation",
            "builtin-masks/test", "--epochs", "1", "--batch", "4", "-o", _folder["run"]);
        string model = result.GetProperty("finalModel").GetString()!;
        JsonElement evaluated = CliRunner.RunJson("eval", model, "--data", "builtin-masks/test");
        Assert.Equal(
            result.GetProperty("validationMeanIou").GetDouble(), evaluated.GetProperty("meanIou").GetDouble());
        Assert.Equal("background", evaluated.GetProperty("classes")[0].GetProperty("name").GetString());
        CliOutcome notes = CliRunner.Run("inspect", model).AssertSucceeded();
        Assert.Contains("UPerHead of 32 channels", notes.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void It_fine_tunes_with_labels_of_the_same_classes_and_resumes()
    {
        CliOutcome outcome = CliRunner.Run(
            [
                .. _finetune, "--validation", _folder["images"], "--validation-labels", _folder["truth"], "-o",
                _folder["run"],
            ])
            .AssertSucceeded();
        Assert.Contains("since the classes are the same", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("mean IoU", outcome.Output, StringComparison.Ordinal);
        VisionModel tuned = VisionModel.Load(Path.Combine(_folder["run"], "final.safetensors"));
        Assert.Equal(VisionModel.Load(Model).ClassNames, tuned.ClassNames);
        CliRunner.Run(
            "finetune", Model, "--resume", "--data", _folder["images"], "--labels", _folder["truth"], "--validation",
            _folder["images"], "--validation-labels", _folder["truth"], "-o", _folder["run"]).AssertSucceeded();
    }

    [Fact]
    public void Other_classes_get_new_layers()
    {
        string names = _folder.WriteText("names.txt", "road\nfloor\nwall\n");
        JsonElement result = CliRunner.RunJson([.. _finetune, "--classes", names, "-o", _folder["run"]]);
        Assert.StartsWith("for 3 classes, of which 2 keep", result.GetProperty("head").GetString());
        VisionModel tuned = VisionModel.Load(Path.Combine(_folder["run"], "final.safetensors"));
        Assert.Equal(["road", "floor", "wall"], tuned.ClassNames!);
        JsonElement evaluated = CliRunner.RunJson(
            "eval", result.GetProperty("finalModel").GetString()!, "--data", _folder["images"], "--labels",
            _folder["truth"]);
        Assert.Equal(3, evaluated.GetProperty("classes").GetArrayLength());
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        string run = _folder["run"];
        CliRunner.Run("finetune", Model, "--data", "builtin/train", "-o", run).AssertRefused(
            "have no labels of pixels", "--labels");
        CliRunner.Run([.. _finetune[..^4], "--validation", _folder["images"], "-o", run]).AssertRefused(
            "--validation-labels");
        CliRunner.Run("train", "--data", "builtin/train", "--classes", "x", "-o", run).AssertRefused("--labels");
        CliRunner.Run("train", "--data", "builtin-masks/train", "-o", run).AssertRefused("vmamba-seg-micro");
        CliRunner.Run("eval", Model, "--data", "builtin-masks/test").AssertRefused("are not those of the images");
        Assert.False(Directory.Exists(run));
        WriteLabels("truth/2.png", _ => Classes);
        CliRunner.Run([.. _finetune, "-o", run]).AssertRefused("2.png", $"the label {Classes} at 0, 0");
        File.Delete(_folder["truth/2.png"]);
        CliRunner.Run([.. _finetune, "-o", _folder["run2"]]).AssertRefused("2.png", "is missing");
    }

    private void WriteLabels(string name, Func<int, byte> label)
    {
        using var stream = new MemoryStream();
        byte[] labels = [.. Enumerable.Range(0, Width * Height).Select(label)];
        PngWriter.WriteIndexed(stream, Width, Height, labels, new byte[3 * 256]);
        _folder.Write(name, stream.ToArray());
    }
}
