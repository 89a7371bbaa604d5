using System.Text.Json;
using Bitis.Data.LabelMaps;
using Bitis.Imaging;
using Bitis.Tests.Data;

namespace Bitis.Tests.Cli;

/// <summary><c>bitis segment</c>, and <c>bitis eval</c> of models that segment.</summary>
public sealed class SegmentTests : IDisposable
{
    private const int Width = 60, Height = 44, Classes = 19;
    private static readonly string Model = GoldenFiles.Path("vmamba-seg-micro.pth");
    private static readonly string[] Size = ["--image-size", "48"];

    private readonly TempFolder _folder = new();

    public SegmentTests()
    {
        foreach (string name in (string[])["one", "two"])
            _folder.Write($"images/{name}.bmp", TestImages.Bmp(Image(name.Length + name[0])));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Files_show_the_classes_of_each_pixel()
    {
        JsonElement result = CliRunner.RunJson(
            ["segment", Model, _folder["images"], "-o", _folder["out"], .. Size]);
        JsonElement image = result.GetProperty("images")[0];
        Assert.Equal("one.bmp", image.GetProperty("image").GetString());
        double shares = image.GetProperty("classes").EnumerateArray().Sum(c => c.GetProperty("share").GetDouble());
        Assert.Equal(1, shares, 1e-9);
        Assert.Equal(
            ["one.classes.png", "one.colors.png", "one.overlay.svg", "two.classes.png", "two.colors.png",
                "two.overlay.svg"],
            Directory.EnumerateFiles(_folder["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        LabelMap classes = ReadLabels("out/one.classes.png");
        Assert.Equal((Width, Height), (classes.Width, classes.Height));
        SegmentationMap expected = Expected("images/one.bmp");
        Assert.Equal(expected.Classes.ToArray(), classes.Labels);
        using ImageSource pictures = ImageSource.Open(_folder["out"], new ImageDecoder());
        (PixelImage shown, PixelImage colours) = (pictures.Read(0), pictures.Read(1));
        Assert.Equal(colours.Pixels.ToArray(), shown.Pixels.ToArray()); // the palette's colours
        string overlay = File.ReadAllText(_folder["out/one.overlay.svg"]);
        Assert.Contains(image.GetProperty("classes")[0].GetProperty("name").GetString()!, overlay);
    }

    [Fact]
    public void A_window_slides_and_text_names_the_largest_classes()
    {
        CliOutcome outcome = CliRunner.Run(
            ["segment", Model, _folder["images/one.bmp"], "-o", _folder["out"], "--window", "32,24", .. Size])
            .AssertSucceeded();
        Assert.Contains($"{Width}×{Height}", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("3 files in", outcome.Output, StringComparison.Ordinal);
        SegmentationMap expected = Expected("images/one.bmp", new SlidingWindow(32, 24));
        Assert.Equal(expected.Classes.ToArray(), ReadLabels("out/one.classes.png").Labels);
    }

    [Fact]
    public void What_cannot_be_segmented_is_refused_before_files_are_written()
    {
        string output = _folder["out"], images = _folder["images"];
        CliRunner.Run("segment", GoldenFiles.Path("vim-micro.pth"), images, "-o", output).AssertRefused(
            "classifies whole images");
        CliRunner.Run("segment", Model, images, "-o", output, "--window", "8,9").AssertRefused("1 ≤ stride ≤ size");
        CliRunner.Run("segment", Model, images, "-o", output, "--window", "x").AssertRefused("SIZE,STRIDE");
        _folder.Write("more/one.bmp", TestImages.Bmp(Image(3)));
        CliRunner.Run("segment", Model, images, _folder["more"], "-o", output).AssertRefused("the same name");
        _folder.Write("out2/one.bmp", "no image"u8);
        CliRunner.Run("segment", Model, _folder["out2"], "-o", output).AssertRefused("one.bmp");
        Assert.False(Directory.Exists(output));
        string taken = _folder.Write("taken/a.classes.png", File.ReadAllBytes(_folder["images/one.bmp"]));
        _folder.Write("taken/a.bmp", TestImages.Bmp(Image(3)));
        CliRunner.Run("segment", Model, _folder["taken"], "-o", _folder["taken"]).AssertRefused(taken, "replaced");
    }

    [Fact]
    public void Accuracies_count_pixels_with_labels()
    {
        WriteTruth("one", ignoresFirstRow: true);
        WriteTruth("two", ignoresFirstRow: false);
        JsonElement result = CliRunner.RunJson(
            ["eval", Model, "--data", _folder["images"], "--labels", _folder["truth"], .. Size]);
        Assert.Equal(1, result.GetProperty("meanIou").GetDouble());
        Assert.Equal(1, result.GetProperty("pixelAccuracy").GetDouble());
        Assert.Equal((2 * Width * Height) - Width, result.GetProperty("pixels").GetInt64());
        Assert.Equal(Classes, result.GetProperty("classes").GetArrayLength());
        CliOutcome text = CliRunner.Run(
            ["eval", Model, "--data", _folder["images"], "--labels", _folder["truth"], .. Size]).AssertSucceeded();
        Assert.Contains("mean IoU", text.Output, StringComparison.Ordinal);
        Assert.Contains("traffic light", text.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Ground_truth_that_does_not_fit_is_refused_by_name()
    {
        string[] eval = ["eval", Model, "--data", _folder["images"], .. Size];
        CliRunner.Run(eval).AssertRefused("--labels");
        CliRunner.Run([.. eval, "--labels", _folder["truth"]]).AssertRefused("one.png", "is missing");
        WritePng("truth/one.png", Width, Height - 1, new byte[Width * (Height - 1)]);
        CliRunner.Run([.. eval, "--labels", _folder["truth"]]).AssertRefused("one.png", $"{Width}×{Height - 1}");
        WritePng("truth/one.png", Width, Height, [.. Enumerable.Repeat((byte)Classes, Width * Height)]);
        CliRunner.Run([.. eval, "--labels", _folder["truth"]]).AssertRefused("one.png", $"the label {Classes} at 0, 0");
        CliRunner.Run([.. eval, "--labels", _folder["truth"], "--simulate"]).AssertRefused("--simulate");
        CliRunner.Run(
            "eval", GoldenFiles.Path("vim-micro.pth"), "--data", _folder["images"], "--window", "8").AssertRefused(
            "--window is for models that segment");
    }

    [Fact]
    public void Quantized_models_segment_are_evaluated_measured_and_inspected()
    {
        string quantized = _folder["q.bitis"];
        CliRunner.Run(
            ["quantize", Model, "--calibration", _folder["images"], "--scope", "full", "--method", "minmax", "-o",
                quantized, .. Size]).AssertSucceeded();
        WriteTruth("one", ignoresFirstRow: true);
        WriteTruth("two", ignoresFirstRow: false);
        JsonElement accuracy = CliRunner.RunJson(
            "eval", quantized, "--data", _folder["images"], "--labels", _folder["truth"]);
        Assert.InRange(accuracy.GetProperty("pixelAccuracy").GetDouble(), 0.8, 1); // of labels by the float model
        CliRunner.Run("segment", quantized, _folder["images"], "-o", _folder["out"]).AssertSucceeded();
        using ImageSource source = ImageSource.Open(_folder["images/one.bmp"], new ImageDecoder());
        using SegmentationSession session = SegmentationSession.Load(quantized);
        Assert.Equal(
            session.Segment(source.Read(0)).Classes.ToArray(), ReadLabels("out/one.classes.png").Labels);
        string text = CliRunner.Run("inspect", quantized).AssertSucceeded().Output;
        Assert.Contains("images of any size", text, StringComparison.Ordinal);
        Assert.Contains("UPerHead", text, StringComparison.Ordinal);
        JsonElement times = CliRunner.RunJson(
            ["bench", quantized, "--baseline", Model, "--images", "1", "--warmup", "0", "--profile", .. Size]);
        Assert.Equal(2, times.GetProperty("models").GetArrayLength());
        Assert.Contains(
            times.GetProperty("profile").EnumerateArray(),
            line => line.GetProperty("kind").GetString() == "convolution int8");
    }

    [Fact]
    public void A_source_is_opened_once()
    {
        _folder.Write("images/notes.txt", "no image"u8);
        string warnings = CliRunner.Run(
            ["segment", Model, _folder["images"], "-o", _folder["out"], .. Size]).AssertSucceeded().Error;
        Assert.Single(warnings.Split('\n'), line => line.Contains("left out", StringComparison.Ordinal));
    }

    private SegmentationMap Expected(string image, SlidingWindow? window = null)
    {
        using ImageSource source = ImageSource.Open(_folder[image], new ImageDecoder());
        using SegmentationSession session = SegmentationSession.Create(
            VisionModel.Load(Model, new ModelOptions { ImageSize = 48 }), new SessionOptions { Threads = 1 });
        return session.Segment(source.Read(0), window);
    }

    private void WriteTruth(string name, bool ignoresFirstRow)
    {
        byte[] labels = [.. Expected($"images/{name}.bmp").Classes.ToArray().Select(label => (byte)label)];
        if (ignoresFirstRow)
            labels.AsSpan(0, Width).Fill((byte)LabelMap.Ignored);
        WritePng($"truth/{name}.png", Width, Height, labels);
    }

    private void WritePng(string name, int width, int height, byte[] labels)
    {
        using var stream = new MemoryStream();
        PngWriter.WriteIndexed(stream, width, height, labels, new byte[3 * 256]);
        _folder.Write(name, stream.ToArray());
    }

    private LabelMap ReadLabels(string name) => PngLabels.Read(File.ReadAllBytes(_folder[name]), name);

    private static PixelImage Image(int seed)
    {
        byte[] pixels = new byte[Width * Height * 3];
        new Random(seed).NextBytes(pixels);
        return PixelImage.Rgb(Width, Height, pixels);
    }
}
