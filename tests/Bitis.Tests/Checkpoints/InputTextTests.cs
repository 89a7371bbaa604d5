using Bitis.Checkpoints;
using Bitis.Files;
using Bitis.Tests.Cli;
using Bitis.Tests.Data;

namespace Bitis.Tests.Checkpoints;

/// <summary>Text files whose bytes are not UTF-8: names that differ would become the same.</summary>
public sealed class InputTextTests : IDisposable
{
    private const string NotUtf8 = "line 2: this is not UTF-8";

    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Text_loses_its_byte_order_mark_and_nothing_else()
    {
        Assert.Equal("é\n\uFFFD", InputText.Decode("\uFEFFé\n\uFFFD"u8, "x"));
        Assert.Equal("", InputText.Decode([], "x"));
    }

    [Theory]
    [InlineData("616263E9", 1)] // Latin-1
    [InlineData("610AC3", 2)] // cut off
    [InlineData("0D0A0D0AEDA080", 3)] // half of a pair
    [InlineData("FFFE6100", 1)] // UTF-16
    public void Other_bytes_are_refused_with_their_line(string bytes, int line) => Assert.StartsWith(
        $"x: line {line}: this is not UTF-8",
        Assert.Throws<BitisException>(() => InputText.Decode(Convert.FromHexString(bytes), "x")).Message);

    [Fact]
    public void Labels_are_not_merged()
    {
        _folder.Write("a.png", TestImages.SolidPng(1, 1, 1));
        _folder.Write("b.png", TestImages.SolidPng(2, 2, 2));
        string labels = _folder.Write("labels.csv", [.. "file,label\na.png,"u8, 0xE9, .. "\nb.png,"u8, 0xE8]);
        BitisException refusal = Assert.Throws<BitisException>(() => ImageSource.Open(_folder.Path));
        Assert.StartsWith($"{labels}: {NotUtf8}", refusal.Message);
    }

    [Fact]
    public void Names_of_cifar_s_classes_are_not_merged()
    {
        string images = _folder.Write("test.bin", new byte[3074]);
        string names = _folder.Write("fine_label_names.txt", [.. "one\n"u8, 0xFF]);
        BitisException refusal = Assert.Throws<BitisException>(() => ImageSource.Open(images));
        Assert.StartsWith($"{names}: {NotUtf8}", refusal.Message);
    }

    [Fact]
    public void Class_names_and_recipes_on_the_command_line_are_refused()
    {
        string image = _folder.Write("a.png", TestImages.SolidPng(1, 1, 1)), output = _folder["out"];
        string names = _folder.Write("names.txt", [.. "one\n"u8, 0xE9]);
        CliRunner.Run("classify", Checkpoint, image, "--classes", names).AssertRefused(names, NotUtf8);
        CliRunner.Run("eval", Checkpoint, "--data", image, "--classes", names).AssertRefused(names, NotUtf8);
        string recipe = _folder.Write("recipe.json", [.. "{\n// "u8, 0xE9, .. "\n}"u8]);
        CliRunner.Run("quantize", Checkpoint, "--calibration", image, "--recipe", recipe, "-o", output)
            .AssertRefused(recipe, NotUtf8);
        CliRunner.Run("train", "--recipe", recipe, "--data", image, "-o", output).AssertRefused(recipe, NotUtf8);
    }
}
