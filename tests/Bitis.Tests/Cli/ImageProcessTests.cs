using System.Text.Json;
using Bitis.Tests.Data;

namespace Bitis.Tests.Cli;

/// <summary>What decoding does to a process: its memory, and its standard error.</summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class ImageProcessTests : IDisposable
{
    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [LinuxFact]
    public void A_large_image_takes_the_memory_of_its_pixels_once()
    {
        const int width = 8000, height = 6000;
        long small = PeakWith(TestImages.SolidPng(1, 2, 3));
        long large = PeakWith(TestImages.Png(width, height, 8, 0, new byte[height * (width + 1)]));
        const long pixels = 3L * width * height;
        Assert.InRange(large - small, pixels / 2, pixels + (100 << 20));
    }

    [Fact]
    public void Standard_error_has_our_words_only()
    {
        byte[] jpeg = File.ReadAllBytes(GoldenFiles.Path("images/tiny.jpg"));
        string damaged = Write("damaged.jpg", [.. jpeg[..(jpeg.Length * 3 / 4)], 0xFF, 0xD9]);
        string cut = Write("cut.jpg", jpeg[..1000]);
        string broken = Write("broken.tif", [.. "II*\0"u8, 8, 0, 0, 0, 9, 9, 9, 9]);
        CliOutcome outcome = CliRunner.Finish(CliRunner.Start("classify", Checkpoint, damaged, cut, broken));
        Assert.Equal(2, outcome.ExitCode);
        string[] lines = outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.StartsWith("Warning: ", line));
        foreach (string file in (string[])[damaged, cut, broken])
            Assert.Contains(lines, line => line.Contains(file, StringComparison.Ordinal));
    }

    private string Write(string name, byte[] contents)
    {
        File.WriteAllBytes(_folder[name], contents);
        return _folder[name];
    }

    /// <summary>The peak of a process' memory that quantizes with one image, in bytes.</summary>
    private long PeakWith(byte[] image)
    {
        CliOutcome outcome = CliRunner.Finish(CliRunner.Start(
            "quantize", Checkpoint, "--calibration", Write("image.png", image), "--method", "minmax",
            "-o", _folder["out.bitis"], "--json"));
        outcome.AssertSucceeded();
        return JsonDocument.Parse(outcome.Output).RootElement.GetProperty("peakMemoryBytes").GetInt64();
    }
}
