using System.Text.Json;
using Bitis.Checkpoints.Safetensors;
using Bitis.Tests.Models;

namespace Bitis.Tests.Cli;

/// <summary>A folder with a model in several files, on the command line.</summary>
public sealed class ModelFolderTests : IDisposable
{
    private readonly TempFolder _models = new();
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _models.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_folder_is_a_model_and_no_output_replaces_one_of_its_files()
    {
        var changed = new ChangedCheckpoint();
        string[] names = ["one.safetensors", "two.safetensors"];
        var map = new Dictionary<string, string>();
        for (int i = 0; i < names.Length; i++)
        {
            SafetensorsTensor[] part = [.. changed.Tensors.Where((_, at) => at % names.Length == i)];
            SafetensorsWriter.Write(_models[names[i]], part);
            foreach (SafetensorsTensor tensor in part)
                map.Add(tensor.Name, names[i]);
        }
        string index = _models.Write(
            "model.safetensors.index.json", JsonSerializer.SerializeToUtf8Bytes(new { weight_map = map }));
        JsonElement json = CliRunner.RunJson("inspect", _models.Path);
        long length = names.Append(index).Sum(name => new FileInfo(_models[name]).Length);
        Assert.Equal(length, json.GetProperty("fileBytes").GetInt64());

        string images = _folder.WriteImages("images", 4, 2);
        foreach (string input in (string[])[_models[names[1]], index])
        {
            byte[] before = File.ReadAllBytes(input);
            CliRunner.Run("quantize", _models.Path, "--calibration", images, "-o", input)
                .AssertRefused(input, "the same file as the input");
            Assert.Equal(before, File.ReadAllBytes(input));
        }
        string[] quantize = ["quantize", _models.Path, "--calibration", images, "-o", _folder["vim.bitis"]];
        CliRunner.Run(quantize).AssertSucceeded();
    }
}
