using System.Text.Json;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Tests.Models;

namespace Bitis.Tests.Cli;

/// <summary>Each command that loads a checkpoint says once what was left over and what was assumed.</summary>
public sealed class CheckpointWarningTests : IDisposable
{
    private readonly TempFolder _models = new();
    private readonly TempFolder _folder = new();
    private readonly string _images;

    public CheckpointWarningTests() => _images = _folder.WriteImages("images", 20, 10);

    public void Dispose()
    {
        _models.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("eval")]
    [InlineData("classify")]
    [InlineData("bench")]
    [InlineData("quantize")]
    [InlineData("analyze")]
    [InlineData("finetune")]
    [InlineData("train")]
    public void Commands_warn_once(string command)
    {
        ChangedCheckpoint changed = new ChangedCheckpoint().WithPrefix("net.");
        changed.Add("aux.weight", 1);
        string model = changed.WriteSafetensors(_models);
        string[] arguments = command switch
        {
            "eval" => [model, "--data", _images, "--baseline", model],
            "classify" => [model, _images],
            "bench" => [model, "--images", "1", "--warmup", "0"],
            "quantize" => [model, "--calibration", _images, "--images", "4", "-o", _folder["q.bitis"]],
            "analyze" => [model, "--data", _images, "--images", "2"],
            "finetune" => [model, "--data", _images, "--epochs", "1", "--batch", "20", "-o", _folder["run"]],
            _ => ["--init", model, "--data", _images, "--epochs", "1", "--batch", "20", "-o", _folder["run"]],
        };
        CliOutcome outcome = CliRunner.Run([command, .. arguments]).AssertSucceeded();
        Assert.Equal(2, outcome.Error.Split($"Warning: {model}: not used: 1 tensor: aux.weight.").Length);
        Assert.Equal(2, outcome.Error.Split($"Warning: {model}: assumed: ").Length);
    }

    [Fact]
    public void Inspect_shows_what_cannot_be_used()
    {
        const string name = "layers.0.mixer.in_proj.weight";
        var changed = new ChangedCheckpoint();
        SafetensorsTensor original = changed.Tensors.Single(tensor => tensor.Name == name);
        changed.Replace(
            name, original with { DType = DType.Int8, Bytes = new byte[original.Shape.ElementCount] },
            new("sparse.weight", DType.Complex64, [0], Array.Empty<byte>()));
        string model = changed.WriteSafetensors(_models);
        JsonElement json = CliRunner.RunJson("inspect", model);
        Assert.StartsWith($"{name}: its elements are I8", Assert.Single(Texts(json, "unusableTensors")));
        Assert.Equal(["sparse.weight"], Texts(json, "unexpectedTensors"));
        Assert.DoesNotContain("All weights are there", CliRunner.Run("inspect", model).AssertSucceeded().Output);
        CliRunner.Run("bench", model).AssertRefused(model, name, "no scale is beside it");
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float16)]
    [InlineData(DType.Float8E4M3)]
    [InlineData(DType.Float64)]
    [InlineData(DType.Int64)]
    [InlineData(DType.Bool)]
    [InlineData(DType.Complex64)]
    public void Empty_tensors_are_shown_like_others(object typeValue)
    {
        var type = (DType)typeValue;
        var changed = new ChangedCheckpoint();
        changed.Tensors.Add(new("empty", type, [0], Array.Empty<byte>()));
        changed.Tensors.Add(new("deep", type, [3, 0, 2147483647], Array.Empty<byte>()));
        string model = changed.WriteSafetensors(_models);
        JsonElement json = CliRunner.RunJson("inspect", model, "--tensors");
        Assert.Equal(["empty", "deep"], Texts(json, "unexpectedTensors"));
        CliRunner.Run("inspect", model, "--tensors").AssertSucceeded();
        CliRunner.Run("bench", model, "--images", "1", "--warmup", "0").AssertSucceeded();
    }

    [Fact]
    public void An_empty_tensor_in_the_place_of_a_weight_is_refused()
    {
        foreach (string name in (string[])
            ["head.weight", "norm_f.weight", "cls_token", "pos_embed", "layers.1.mixer.D", "patch_embed.proj.weight"])
        {
            var changed = new ChangedCheckpoint();
            SafetensorsTensor original = changed.Tensors.Single(tensor => tensor.Name == name);
            changed.Replace(
                name, original with { Shape = [0, .. original.Shape.Skip(1)], Bytes = Array.Empty<byte>() });
            string model = changed.WriteSafetensors(_models);
            CliOutcome inspected = CliRunner.Run("inspect", model);
            Assert.True(inspected.ExitCode is 0 or 2, inspected.Error);
            CliRunner.Run("bench", model).AssertRefused(model, name);
        }
    }

    private static string[] Texts(JsonElement json, string property) =>
        [.. json.GetProperty(property).EnumerateArray().Select(entry => entry.GetString()!)];
}
