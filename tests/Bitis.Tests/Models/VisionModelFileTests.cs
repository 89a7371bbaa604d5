using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Data.Resampling;
using Bitis.Models.Catalogue;
using Bitis.Models.Vim;
using Bitis.Tensors;
using Bitis.Tests.Cli;

namespace Bitis.Tests.Models;

/// <summary>Model files that describe themselves, and those that come with Bitis.</summary>
public sealed class VisionModelFileTests : IDisposable
{
    private static readonly VimConfig Config = new()
    {
        ImageSize = 14,
        PatchSize = 4,
        Stride = 2,
        Width = 8,
        InnerWidth = 16,
        Depth = 1,
        StateSize = 2,
        DeltaRank = 1,
        Classes = 2,
        ClassToken = ClassTokenPosition.First,
        HalvesDirections = false,
    };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_names_and_shapes_do_not_tell_comes_back()
    {
        VisionModel loaded = VisionModel.Load(Save());
        Assert.Equal(Config, loaded.Config);
        Assert.Equal(["left", "right"], loaded.ClassNames);
        Assert.Equal(Interpolation.Bilinear, loaded.Preprocessing.Interpolation);
        Assert.Equal(16, loaded.Preprocessing.ResizeShorterSide);
        foreach ((string name, FloatTensor weight) in VisionModel.CreateRandom(Config, 1).Weights)
            TensorAssert.Same(weight, loaded.Weights[name]);
        // agreeing is allowed
        VisionModel.Load(Save(), new ModelOptions { Stride = 2, ClassToken = ClassTokenPosition.First });
    }

    [Fact]
    public void A_quantized_model_keeps_the_description()
    {
        string path = _folder["model.bitis"];
        VisionModel model = VisionModel.Load(Save());
        using var images = new SyntheticImageSource(4, 14, 2, seed: 1);
        PostTrainingQuantizer.Quantize(
            model, CalibrationSet.FromImages(images, model.Preprocessing), new Recipe()).Save(path);
        QuantizedModel quantized = QuantizedModel.Load(path);
        Assert.Equal((Config, model.Preprocessing), (quantized.Config, quantized.Preprocessing));
        Assert.Equal(model.ClassNames, quantized.ClassNames);
    }

    [Fact]
    public void Options_that_contradict_the_file_are_refused()
    {
        string path = Save();
        Assert.Contains("--stride contradicts the file", Refusal(path, new ModelOptions { Stride = 4 }));
        Assert.Contains(
            "--class-token contradicts the file",
            Refusal(path, new ModelOptions { ClassToken = ClassTokenPosition.Middle }));
        Assert.Contains(
            "--no-halving contradicts the file", Refusal(path, new ModelOptions { HalvesDirections = true }));
    }

    [Theory]
    [InlineData("config", "{", "'config' cannot be read")]
    [InlineData("config", "{\"family\": \"vgg\"}", "'config' cannot be read")]
    [InlineData("config", null, "no 'config'")]
    [InlineData("preprocessing", "null", "'preprocessing' cannot be read: null was found")]
    [InlineData("preprocessing", null, "no 'preprocessing'")]
    [InlineData("class_names", "[\"one\"]", "1 class name for 2 classes")]
    [InlineData("bitis_model", "3", "format 3")]
    [InlineData("sha256", "0", "the SHA-256 differs): the file was damaged or changed. Copy it again")]
    [InlineData("sha256", null, "no 'sha256', the SHA-256 of the file's contents")]
    public void A_damaged_description_is_named(string key, string? text, string words)
    {
        string path = Edit(metadata =>
        {
            if (text is null)
                metadata.Remove(key);
            else
                metadata[key] = text;
        });
        Assert.Contains(words, Refusal(path));
    }

    [Fact]
    public void A_description_of_another_model_is_refused()
    {
        string path = Edit(metadata => metadata["config"] = metadata["config"].Replace("\"width\":8", "\"width\":16"));
        Assert.Contains("the rest of the file needs", Refusal(path));
        path = Edit(
            metadata => metadata["config"] = metadata["config"].Replace("\"imageSize\":14", "\"imageSize\":16"));
        Assert.Contains("the preprocessing makes images of 14 pixels, the model takes 16", Refusal(path));
    }

    [Fact]
    public void A_note_may_not_take_the_place_of_the_description()
    {
        VisionModel model = VisionModel.CreateRandom(Config, 1);
        Assert.Throws<ArgumentException>(
            () => model.Save(_folder["model.safetensors"], new Dictionary<string, string> { ["config"] = "{}" }));
        Assert.False(File.Exists(_folder["model.safetensors"]));
    }

    [Fact]
    public void Inspect_shows_description_and_notes()
    {
        string text = CliRunner.Run("inspect", Save()).AssertSucceeded().Output;
        foreach (string words in (string[])["left, right", "patches of 4 every 2 pixels", "made_by", "a test"])
            Assert.Contains(words, text);
        Assert.DoesNotContain("assumed", text);
        Assert.Equal(
            "a test", CliRunner.RunJson("inspect", Save()).GetProperty("notes").GetProperty("made_by").GetString());
    }

    [Fact]
    public void Inspect_refuses_a_file_with_a_changed_byte_as_loading_does()
    {
        string path = Save();
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^4] ^= 1; // a weight that stays finite
        File.WriteAllBytes(path, bytes);
        Assert.Contains("the SHA-256 differs", Refusal(path));
        CliRunner.Run("inspect", path).AssertRefused(path, "the SHA-256 differs");
    }

    [Fact]
    public void Models_that_come_with_bitis_load_by_name_and_say_how_they_were_trained()
    {
        Assert.Contains("vim-micro-builtin", ShippedModels.Names);
        foreach (string name in ShippedModels.Names)
        {
            VisionModel model = VisionModel.LoadShipped(name);
            Assert.Equal(model.Config.Classes, model.ClassNames!.Count);
            using Checkpoint file = Checkpoint.Open(ShippedModels.Find(name)!);
            string family = model.Config.Family.Split(' ')[0].ToLowerInvariant();
            Assert.Contains($"\"model\":\"{family}-", file.Metadata["training_recipe"]);
        }
        Assert.Null(ShippedModels.Find("vim-unknown"));
        Assert.Contains(
            "vim-micro-builtin", Assert.Throws<BitisException>(() => VisionModel.LoadShipped("vim-unknown")).Message);
        CliRunner.Run("inspect", "vim-unknown").AssertRefused("no such file", "vim-micro-builtin");
    }

    [Fact]
    public void A_program_without_models_hears_which_package_has_them()
    {
        string empty = _folder.CreateFolder("models"), missing = _folder["none"];
        foreach (string folder in (string[])[empty, missing])
        {
            string message =
                Assert.Throws<BitisException>(() => ShippedModels.Require("vim-micro-builtin", folder)).Message;
            Assert.Contains("Add the NuGet package Bitis.Models", message);
            Assert.Contains(folder, message);
        }
    }

    private string Save()
    {
        VisionModel model = VisionModel.CreateRandom(Config, 1).WithClassNames(["left", "right"]);
        var preprocessing = new Preprocessing(
            16, 14, Preprocessing.ImageNetMean, Preprocessing.ImageNetStd, Interpolation.Bilinear);
        string path = _folder["model.safetensors"];
        model.WithPreprocessing(preprocessing).Save(path, new Dictionary<string, string> { ["made_by"] = "a test" });
        return path;
    }

    private string Edit(Action<Dictionary<string, string>> edit)
    {
        using Checkpoint file = Checkpoint.Open(Save());
        Dictionary<string, string> metadata = file.Metadata.ToDictionary();
        string digest = metadata["sha256"];
        edit(metadata);
        string path = _folder["edited.safetensors"];
        SafetensorsTensor[] tensors =
        [
            .. file.Entries.Select(
                entry => new SafetensorsTensor(entry.Name, entry.DType, entry.Shape, file.ReadBytes(entry.Name))),
        ];
        if (metadata.GetValueOrDefault("sha256") == digest)
            metadata["sha256"] = ContentDigest.Of(metadata, tensors);
        SafetensorsWriter.Write(path, tensors, metadata);
        return path;
    }

    private static string Refusal(string path, ModelOptions? options = null)
    {
        string message = Assert.Throws<BitisException>(() => VisionModel.Load(path, options)).Message;
        Assert.StartsWith(path, message);
        return message;
    }
}
