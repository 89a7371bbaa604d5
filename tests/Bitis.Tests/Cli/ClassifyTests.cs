using System.Globalization;
using System.Text.Json;

namespace Bitis.Tests.Cli;

/// <summary>The answers of <c>bitis classify</c> in all forms.</summary>
public sealed class ClassifyTests : IDisposable
{
    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private readonly TempFolder _folder = new();
    private readonly string _images;

    public ClassifyTests() => _images = _folder.WriteImages("images", 4, 2);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_csv_file_has_the_answers_of_the_json_result()
    {
        string csv = _folder["answers.csv"];
        JsonElement result = CliRunner.RunJson("classify", Checkpoint, _images, "--top", "2", "-o", csv);
        Assert.Equal("CPU", result.GetProperty("device").GetString());
        JsonElement[] images = [.. result.GetProperty("images").EnumerateArray()];
        string[] lines = File.ReadAllText(csv).Split("\r\n");
        Assert.Equal("image,rank,class,name,probability", lines[0]);
        Assert.Equal(images.Length * 2 + 2, lines.Length);
        Assert.Equal("", lines[^1]);
        for (int i = 0; i < images.Length; i++)
        {
            for (int rank = 0; rank < 2; rank++)
            {
                string[] fields = lines[1 + (2 * i) + rank].Split(',');
                JsonElement answer = images[i].GetProperty("answers")[rank];
                Assert.Equal(images[i].GetProperty("image").GetString(), fields[0]);
                Assert.Equal(($"{rank + 1}", $"{answer.GetProperty("class")}"), (fields[1], fields[2]));
                Assert.Equal(
                    answer.GetProperty("probability").GetDouble(),
                    double.Parse(fields[4], CultureInfo.InvariantCulture), 1e-6);
            }
        }
    }

    [Fact]
    public void Names_with_commas_and_quotes_are_quoted()
    {
        string image = Directory.GetFiles(_images, "*", SearchOption.AllDirectories)[0];
        string odd = _folder["a, \"b\".bmp"], names = _folder.WriteText(
            "names.txt", string.Join('\n', Enumerable.Range(0, 10).Select(i => $"class {i}, the {i}th")));
        if (OperatingSystem.IsWindows())
            return; // it has no such names
        File.Copy(image, odd);
        string csv = _folder["answers.csv"];
        CliRunner.Run("classify", Checkpoint, odd, "--top", "1", "--classes", names, "-o", csv).AssertSucceeded();
        Assert.Matches(
            "a, \"\"b\"\".bmp\",1,[0-9],\"class [0-9], the [0-9]th\",0[.][0-9]+\r\n$", File.ReadAllText(csv));
    }

    [Fact]
    public void More_classes_than_there_are_show_all()
    {
        JsonElement result = CliRunner.RunJson("classify", Checkpoint, _images, "--top", "1000");
        float[] probabilities =
        [
            .. result.GetProperty("images")[0].GetProperty("answers").EnumerateArray()
                .Select(answer => answer.GetProperty("probability").GetSingle()),
        ];
        Assert.Equal(1, probabilities.Sum(), 1e-5);
        Assert.Equal(probabilities.OrderDescending(), probabilities);
    }

    [Fact]
    public void An_output_that_would_replace_an_input_is_refused_before_the_work()
    {
        string image = Directory.GetFiles(_images, "*", SearchOption.AllDirectories)[0];
        byte[] before = File.ReadAllBytes(image);
        CliRunner.Run("classify", Checkpoint, image, "-o", image).AssertRefused("the same file as the input");
        CliRunner.Run("classify", Checkpoint, _images, "-o", image).AssertRefused("a file in the input");
        CliRunner.Run("classify", Checkpoint, image, "-o", _folder["missing/a.csv"]).AssertRefused("does not exist");
        Assert.Equal(before, File.ReadAllBytes(image));
    }
}
