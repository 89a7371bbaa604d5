using System.Text.Json;
using Bitis.Data;
using Bitis.Models;
using Bitis.Training;

namespace Bitis.Tests.Cli;

/// <summary>Whose classes are whose, on the command line.</summary>
public sealed class ClassesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Folders_of_two_classes_are_found_among_a_model_s_ten()
    {
        string images = CatsAndDogs();
        JsonElement json = CliRunner.RunJson("eval", "vim-cifar10", "--data", images, "--confusion");
        Assert.Equal(["cat", "dog"], json.GetProperty("classes").EnumerateArray().Select(c => c.GetProperty("name").GetString()));
        Assert.Equal("2 of the model's 10 classes have images, matched by name", json.GetProperty("classMatch").GetString());
        Assert.Contains("2 of the model's 10 classes", CliRunner.Run("quantize", "vim-cifar10", "--calibration", images, "-o", _folder.File("x.bitis")).AssertSucceeded().Output);
    }

    [Fact]
    public void Folders_in_another_order_and_a_label_file_score_as_the_set_itself()
    {
        using var source = new BuiltInImageSource(BuiltInSplit.Test, 40);
        string folders = _folder.WriteImages("folders", source, label => source.ClassNames[label]);
        Assert.NotEqual(source.ClassNames, source.ClassNames.Order(StringComparer.Ordinal));
        double top1 = CliRunner.RunJson("eval", "vim-micro-builtin", "--data", folders).GetProperty("top1").GetDouble();
        Assert.InRange(top1, 0.8, 1);

        string flat = _folder.CreateFolder("flat");
        var csv = new System.Text.StringBuilder("file,label\n");
        foreach (string file in Directory.GetFiles(folders, "*.bmp", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(flat, Path.GetFileName(file)));
            csv.Append($"{Path.GetFileName(file)},{Path.GetFileName(Path.GetDirectoryName(file))!.ToUpperInvariant()}\n");
        }
        File.WriteAllText(Path.Combine(flat, "labels.csv"), csv.ToString());
        Assert.Equal(top1, CliRunner.RunJson("eval", "vim-micro-builtin", "--data", flat).GetProperty("top1").GetDouble());
    }

    [Fact]
    public void Shapes_are_no_airplanes() =>
        CliRunner.Run("eval", "vim-cifar10", "--data", "builtin/test").AssertRefused("no class 'triangle'", "'airplane'", "--classes FILE");

    [Fact]
    public void Other_numbers_of_classes_need_names()
    {
        string images = _folder.WriteIdx("some-images-idx3-ubyte", 4);
        _folder.WriteIdxLabels("some-labels-idx1-ubyte", 0, 1, 2, 1);
        CliRunner.Run("eval", "vim-cifar10", "--data", images).AssertRefused("the images have 3 classes, the model has 10", "--classes FILE");
        string names = _folder.WriteText("names.txt", "dog\nship\ncat\n");
        JsonElement json = CliRunner.RunJson("eval", "vim-cifar10", "--data", images, "--classes", names, "--confusion");
        Assert.Equal(["cat", "dog", "ship"], json.GetProperty("classes").EnumerateArray().Select(c => c.GetProperty("name").GetString()));
        CliRunner.Run("eval", "vim-cifar10", "--data", images, "--classes", _folder.WriteText("few.txt", "dog\nship\n")).AssertRefused("2 class names", "3 classes");
        CliRunner.Run("eval", "vim-cifar10", "--data", images, "--classes", _folder.WriteText("gap.txt", "dog\n\nship\n")).AssertRefused("gap.txt", "line 2 is empty");
    }

    [Fact]
    public void A_baseline_s_classes_are_compared_by_name()
    {
        string images = CatsAndDogs(), model = _folder.File("model.safetensors"), reordered = _folder.File("reordered.safetensors");
        VisionModel original = ShippedModels.Load("vim-cifar10");
        original.Save(model);
        KnownHead.For(original, [.. original.ClassNames!.Reverse()], seed: 0).Model.Save(reordered);
        JsonElement agreement = CliRunner.RunJson("eval", model, "--data", images, "--baseline", reordered).GetProperty("agreements")[0];
        Assert.Equal(1, agreement.GetProperty("top1").GetDouble());
        Assert.InRange(agreement.GetProperty("maxLogitError").GetDouble(), 0, 1e-5);
        original.WithClassNames([.. original.ClassNames!.Select(name => $"other {name}")]).Save(reordered);
        CliRunner.Run("eval", model, "--data", images, "--baseline", reordered).AssertRefused("other airplane", "cannot be compared");
    }

    [Fact]
    public void Finetuning_keeps_what_the_head_knows_of_the_same_classes()
    {
        using var source = new SyntheticImageSource(6, 32, classes: 3, seed: 5);
        string images = _folder.WriteImages("mixed", source, label => ((string[])["dog", "cat", "zebra"])[label]);
        JsonElement result = CliRunner.RunJson("finetune", "vim-cifar10", "--data", images, "-o", _folder.File("run"), "--epochs", "1", "--batch", "3", "--lr", "1e-5");
        Assert.Equal("for 3 classes, of which 2 keep what the checkpoint knows of them", result.GetProperty("head").GetString());
        VisionModel before = ShippedModels.Load("vim-cifar10"), after = VisionModel.Load(result.GetProperty("finalModel").GetString()!);
        int width = after.Weights["head.weight"].Length / 3;
        float[] cat = before.Weights["head.weight"].Span.Slice(3 * width, width).ToArray(), kept = after.Weights["head.weight"].Span[..width].ToArray();
        Assert.Equal(cat.Length, kept.Zip(cat).Count(pair => Math.Abs(pair.First - pair.Second) < 1e-3f));
    }

    private string CatsAndDogs()
    {
        using var source = new SyntheticImageSource(6, 32, classes: 2, seed: 5);
        return _folder.WriteImages("animals", source, label => label == 0 ? "cat" : "dog");
    }
}
