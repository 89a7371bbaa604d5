using System.Text.RegularExpressions;
using Bitis.Cli;

namespace Bitis.Tests.Cli;

/// <summary>What commands say besides their results.</summary>
public sealed class MessageTests : IDisposable
{
    private const string Directions = "h,v_flip,w7,w7_flip/h_flip,w2_flip,v,w2/h,h_flip,v,v_flip";

    private static readonly Regex OneOfSeveral = new(
        @"(^|[^\d.,×-])1 (images|classes|threads|epochs|steps|blocks|bits|channels|files|layers)\b",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture);

    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");

    private readonly TempFolder _folder = new();
    private readonly string _images;

    public MessageTests() => _images = _folder.WriteImages("images", 2, 2);

    public static TheoryData<string> CommandNames => UsageTests.CommandNames;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(CommandNames))]
    public void Help_states_a_default_once(string command)
    {
        foreach (string line in CliRunner.Run(command, "--help").AssertSucceeded().Output.Split('\n'))
            Assert.InRange(Regex.Count(line, @"\[default"), 0, 1);
    }

    [Theory]
    [InlineData("localvim-micro.pth", "--directions", Directions)]
    [InlineData("vim-micro-overlap.pth", "--stride", "4")]
    [InlineData("vim-micro-headcls.pth", "--class-token", "first", "--no-halving", "--exif-orientation")]
    [InlineData("vim-micro.safetensors")]
    public void The_next_command_works_as_it_is_printed(string checkpoint, params string[] options)
    {
        string model = _folder["my model" + Path.GetExtension(checkpoint)], output = _folder["it's.bitis"];
        File.Copy(GoldenFiles.Path(checkpoint), model);
        string[] quantize = ["quantize", model, "--calibration", _images, "-o", output, "--method", "minmax"];
        string printed = CliRunner.Run([.. quantize, .. options]).AssertSucceeded().Output;
        const string Label = "Next: ";
        string next = printed.Split('\n')
            .Single(line => line.StartsWith(Label, StringComparison.Ordinal))[Label.Length..];
        string[] words = [.. ShellWords(next.TrimEnd()).Select(word => word == "IMAGES" ? _images : word)];
        File.WriteAllText(Path.Combine(_images, "labels.csv"), "file,class_index\nclass00/image000.bmp,1\n");
        CliRunner.Run(words[1..]).AssertSucceeded();
        Assert.Contains(model, words);
        Assert.Equal(options, words[^options.Length..]);
    }

    [LinuxFact]
    public void What_went_to_a_device_has_no_next_command()
    {
        CliOutcome outcome = CliRunner.Run("quantize", Checkpoint, "--calibration", _images, "-o", "/dev/null");
        Assert.DoesNotContain("Next:", outcome.AssertSucceeded().Output);
    }

    [Fact]
    public void Only_who_asked_for_images_asked_for_them()
    {
        string[] quantize = ["quantize", Checkpoint, "--calibration", _images, "-o", _folder["x.bitis"]];
        Assert.Contains(
            "only 2 images to calibrate with; 256 are usual (--images).",
            CliRunner.Run(quantize).AssertSucceeded().Error);
        Assert.Contains(
            "only 2 images to calibrate with; 3 were asked for.",
            CliRunner.Run([.. quantize, "--images", "3"]).AssertSucceeded().Error);
        Assert.DoesNotContain("to calibrate", CliRunner.Run([.. quantize, "--images", "1"]).AssertSucceeded().Error);
    }

    [Fact]
    public void One_thing_is_no_things()
    {
        string one = _folder.WriteImages("one", 1, 1);
        string csv = _folder.WriteText("one/labels.csv", "file,class_index\nclass00/image000.bmp,1\n");
        string output = _folder["x.bitis"], run = _folder["run"];
        string recipe = _folder.WriteText("recipe.json", """
            { "config": { "family": "vim", "imageSize": 8, "patchSize": 4, "stride": 4, "width": 8, "innerWidth": 16,
              "depth": 1, "stateSize": 4, "deltaRank": 1, "classes": 2 }, "epochs": 1, "batchSize": 1 }
            """);
        string[][] commands =
        [
            ["quantize", Checkpoint, "--calibration", one, "-o", output],
            ["inspect", output],
            ["eval", output, "--data", csv, "--threads", "1"],
            ["bench", output, "--images", "1", "--threads", "1"],
            ["train", "--recipe", recipe, "--data", _images, "-o", run],
            ["analyze", Checkpoint, "--data", one],
        ];
        foreach (string[] command in commands)
        {
            CliOutcome outcome = CliRunner.Run(command).AssertSucceeded();
            Assert.DoesNotMatch(OneOfSeveral, outcome.Output + outcome.Error);
        }
        File.Delete(csv);
        CliOutcome refused = CliRunner.Run("eval", Checkpoint, "--data", one).AssertRefused("1 class");
        Assert.DoesNotMatch(OneOfSeveral, refused.Error);
    }

    [Fact]
    public void What_images_leave_out_is_a_warning()
    {
        File.WriteAllText(Path.Combine(_images, "readme.txt"), "text");
        string[][] commands =
        [
            ["quantize", Checkpoint, "--calibration", _images, "-o", _folder["x.bitis"]],
            ["classify", Checkpoint, _images],
            ["analyze", Checkpoint, "--data", _images],
        ];
        foreach (string[] command in commands)
        {
            string error = CliRunner.Run(command).AssertSucceeded().Error;
            Assert.Contains($"Warning: {_images}: 1 file left out: 1 text.", error);
        }
    }

    [Fact]
    public async Task A_cancelled_quantization_says_what_is_kept()
    {
        using var cancellation = new CancellationTokenSource();
        using var error = new StringWriter();
        string output = _folder["x.bitis"], work = output + ".work";
        var context = new CliContext { Output = TextWriter.Null, Error = error, Cancellation = cancellation.Token };
        // The first block learns nothing, the second for hours.
        string[] recipe = ["--method", "ptq4vm+", "--override", "layers.0.*=w4a32", "--steps", "100000000"];
        string[] quantize = ["quantize", Checkpoint, "--calibration", _images, "-o", output, .. recipe];
        Task<int> running = Task.Run(() => CommandLine.Run(quantize, context));
        while (!running.IsCompleted && (!Directory.Exists(work) || !Directory.EnumerateFiles(work, "block*").Any()))
            await Task.Delay(20);
        await cancellation.CancelAsync();
        Assert.Equal(2, await running);
        Assert.Contains($"{work}: cancelled; 1 finished block is kept here, and the same command", error.ToString());
        Assert.DoesNotContain("no output was written", error.ToString());
    }

    /// <summary>Words as a shell splits them, with single quotes and backslashes alone.</summary>
    private static List<string> ShellWords(string text)
    {
        List<string> words = [""];
        bool isQuoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\'')
                isQuoted = !isQuoted;
            else if (text[i] == ' ' && !isQuoted)
                words.Add("");
            else
                words[^1] += text[i] == '\\' && !isQuoted ? text[++i] : text[i];
        }
        return words;
    }
}
