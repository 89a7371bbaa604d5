using System.Text.Json;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Models.Catalogue;
using Bitis.Training;

namespace Bitis.Tests.Cli;

/// <summary>Whose classes are whose, on the command line.</summary>
public sealed class ClassesTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Folders_of_two_classes_are_found_among_a_model_s_ten()
    {
        string images = CatsAndDogs();
        JsonElement json = CliRunner.RunJson("eval", "vim-cifar10", "--data", images, "--confusion");
        Assert.Equal(["cat", "dog"], NamesIn(json));
        const string Summary = "2 of the model's 10 classes have images, matched by name";
        Assert.Equal(Summary, json.GetProperty("classMatch").GetString());
        string[] quantize = ["quantize", "vim-cifar10", "--calibration", images, "-o", _folder["x.bitis"]];
        Assert.Contains(Summary, CliRunner.Run(quantize).AssertSucceeded().Output);
    }

    [Fact]
    public void A_file_of_names_goes_into_the_quantized_model()
    {
        string names = _folder["names.txt"], model = _folder["named.bitis"];
        string[] quantize =
        [
            "quantize", "vim-micro-builtin", "--calibration", "builtin/train", "--images", "4", "--classes", names,
            "-o", model,
        ];
        File.WriteAllLines(names, Enumerable.Range(0, 9).Select(i => $"shape {i}"));
        CliRunner.Run(quantize).AssertRefused(names, "9 lines", "10 classes");
        Assert.False(File.Exists(model));
        File.WriteAllLines(names, Enumerable.Range(0, 10).Select(i => $"shape {i}"));
        CliRunner.Run(quantize).AssertSucceeded();
        Assert.Equal("shape 3", QuantizedModel.Load(model).ClassNames![3]);
    }

    [Fact]
    public void Folders_in_another_order_and_a_label_file_score_as_the_set_itself()
    {
        using var source = new BuiltInImageSource(BuiltInSplit.Test, 40);
        string folders = _folder.WriteImages("folders", source, label => source.ClassNames[label]);
        Assert.NotEqual(source.ClassNames, source.ClassNames.Order(StringComparer.Ordinal));
        double top1 = Top1(folders);
        Assert.InRange(top1, 0.8, 1);

        string flat = _folder.CreateFolder("flat");
        var csv = new System.Text.StringBuilder("file,label\n");
        foreach (string file in Directory.GetFiles(folders, "*.bmp", SearchOption.AllDirectories))
        {
            string name = Path.GetFileName(file), label = Path.GetFileName(Path.GetDirectoryName(file))!;
            File.Copy(file, Path.Combine(flat, name));
            csv.Append($"{name},{label.ToUpperInvariant()}\n");
        }
        File.WriteAllText(Path.Combine(flat, "labels.csv"), csv.ToString());
        Assert.Equal(top1, Top1(flat));

        static double Top1(string images) =>
            CliRunner.RunJson("eval", "vim-micro-builtin", "--data", images).GetProperty("top1").GetDouble();
    }

    [Fact]
    public void Shapes_are_no_airplanes() =>
        CliRunner.Run("eval", "vim-cifar10", "--data", "builtin/test")
            .AssertRefused("no class 'triangle'", "'airplane'", "--classes FILE");

    [Fact]
    public void Other_numbers_of_classes_need_names()
    {
        string images = _folder.WriteIdx("some-images-idx3-ubyte", 4);
        _folder.WriteIdxLabels("some-labels-idx1-ubyte", 0, 1, 2, 1);
        string[] eval = ["eval", "vim-cifar10", "--data", images];
        CliRunner.Run(eval).AssertRefused("the images have 3 classes, the model has 10", "--classes FILE");

        string names = _folder.WriteText("names.txt", "dog\nship\ncat\n");
        Assert.Equal(["cat", "dog", "ship"], NamesIn(CliRunner.RunJson([.. eval, "--classes", names, "--confusion"])));
        string few = _folder.WriteText("few.txt", "dog\nship\n"), gap = _folder.WriteText("gap.txt", "dog\n\nship\n");
        CliRunner.Run([.. eval, "--classes", few]).AssertRefused("2 class names", "3 classes");
        CliRunner.Run([.. eval, "--classes", gap]).AssertRefused("gap.txt", "line 2 is empty");
    }

    [Fact]
    public void Names_are_for_classes_that_have_none_and_images_that_have_labels()
    {
        string names = _folder.WriteText("names.txt", "dog\ncat\n"), animals = CatsAndDogs();
        string[] eval = ["eval", "vim-cifar10", "--classes", names, "--data"];
        CliRunner.Run([.. eval, animals]).AssertRefused("names already (cat, dog, ...)", "--classes");
        CliRunner.Run([.. eval, Path.Combine(animals, "cat")]).AssertRefused("no labels", "--classes");
    }

    [Fact]
    public void A_baseline_s_classes_are_compared_by_name()
    {
        string model = _folder["model.safetensors"], reordered = _folder["reordered.safetensors"];
        string[] eval = ["eval", model, "--data", CatsAndDogs(), "--baseline", reordered];
        VisionModel original = VisionModel.LoadShipped("vim-cifar10");
        original.Save(model);
        KnownHead.For(original, [.. original.ClassNames!.Reverse()], seed: 0).Model.Save(reordered);
        JsonElement agreement = CliRunner.RunJson(eval).GetProperty("agreements")[0];
        Assert.Equal(1, agreement.GetProperty("top1").GetDouble());
        Assert.InRange(agreement.GetProperty("maxLogitError").GetDouble(), 0, 1e-5);
        original.WithClassNames([.. original.ClassNames!.Select(name => $"other {name}")]).Save(reordered);
        CliRunner.Run(eval).AssertRefused("other airplane", "cannot be compared");
    }

    [Fact]
    public void Finetuning_keeps_what_the_head_knows_of_the_same_classes()
    {
        using var source = new SyntheticImageSource(6, 32, classes: 3, seed: 5);
        string images = _folder.WriteImages("mixed", source, label => ((string[])["dog", "cat", "zebra"])[label]);
        string[] finetune = ["finetune", "vim-cifar10", "--data", images, "-o", _folder["run"]];
        JsonElement result = CliRunner.RunJson([.. finetune, "--epochs", "1", "--batch", "3", "--lr", "1e-5"]);
        string head = result.GetProperty("head").GetString()!, model = result.GetProperty("finalModel").GetString()!;
        Assert.Equal("for 3 classes, of which 2 keep what the checkpoint knows of them", head);
        FloatTensor before = VisionModel.LoadShipped("vim-cifar10").Weights["head.weight"];
        FloatTensor after = VisionModel.Load(model).Weights["head.weight"];
        int width = after.Length / 3;
        for (int i = 0; i < width; i++)
            Assert.Equal(before.Span[(3 * width) + i], after.Span[i], 1e-3f); // cat is class 3 before, 0 after
    }

    private static IEnumerable<string?> NamesIn(JsonElement json) =>
        json.GetProperty("classes").EnumerateArray().Select(entry => entry.GetProperty("name").GetString());

    private string CatsAndDogs()
    {
        using var source = new SyntheticImageSource(6, 32, classes: 2, seed: 5);
        return _folder.WriteImages("animals", source, label => label == 0 ? "cat" : "dog");
    }
}
