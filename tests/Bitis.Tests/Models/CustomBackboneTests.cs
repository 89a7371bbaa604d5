using System.Diagnostics;
using System.Text.Json;
using Bitis.Models.Graphs;
using Bitis.Tensors;
using Bitis.Tests.Checkpoints;
using Bitis.Tests.Cli;
using CustomBackbone;

namespace Bitis.Tests.Models;

/// <summary>
/// The sample of a model of one's own: what it writes runs in the command line, which has none of its code.
/// </summary>
public sealed class CustomBackboneTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_quantizes_a_state_dict_and_the_command_line_runs_what_it_wrote()
    {
        VisionModel model = VisionModel.CreateRandom(new GraphConfig(GrayMamba.Build()), seed: 2);
        string weights = _folder.Write("weights.pth", StateDict(model.Weights)), output = _folder["mine.bitis"];
        CliOutcome outcome = CliRunner.Finish(Start(weights, "builtin/train", output));
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Contains("in 2 blocks; images 28×28 of 1 channel; 10 classes", outcome.Output);

        JsonElement inspected = CliRunner.RunJson("inspect", output);
        Assert.Equal("Graph", inspected.GetProperty("model").GetProperty("family").GetString());
        JsonElement evaluated = CliRunner.RunJson("eval", output, "--data", "builtin/test");
        Assert.InRange(evaluated.GetProperty("top1").GetDouble(), 0, 1);
    }

    [Fact]
    public void It_says_which_tensor_is_missing()
    {
        VisionModel model = VisionModel.CreateRandom(new GraphConfig(GrayMamba.Build()), seed: 2);
        var weights = new Dictionary<string, FloatTensor>(model.Weights);
        weights.Remove("norm_f.weight");
        CliOutcome outcome = CliRunner.Finish(
            Start(_folder.Write("weights.pth", StateDict(weights)), "builtin/train", _folder["mine.bitis"]));
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("norm_f.weight", outcome.Error);
        Assert.False(File.Exists(_folder["mine.bitis"]));
    }

    [Fact]
    public void Its_builder_has_at_most_forty_lines()
    {
        string[] lines = File.ReadAllLines(Path.Combine(ReadmeTests.Root, "samples", "CustomBackbone", "GrayMamba.cs"));
        int start = Array.FindIndex(lines, line => line.Contains("Graph Build()", StringComparison.Ordinal));
        Assert.InRange(lines.Length - 1 - start, 10, 40);
    }

    private static Process Start(params string[] arguments) =>
        CliRunner.StartProgram("CustomBackbone.dll", environment: [], arguments);

    /// <summary>A file as <c>torch.save(model.state_dict())</c> writes it.</summary>
    private static byte[] StateDict(IReadOnlyDictionary<string, FloatTensor> weights)
    {
        var pickle = new Dictionary<string, object?>();
        var storages = new Dictionary<string, byte[]>();
        foreach ((string name, FloatTensor weight) in weights)
        {
            string key = $"{storages.Count}";
            int[] sizes = weight.Shape.Sizes.ToArray();
            object?[] strides =
            [
                .. sizes.Select(
                    (_, i) => (object?)(long)sizes.Skip(i + 1).Aggregate(1, (product, size) => product * size)),
            ];
            pickle[name] = PickleBuilder.Tensor(
                "FloatStorage", key, weight.Length, [.. sizes.Select(size => (object?)(long)size)], strides);
            storages[key] = TorchFiles.Floats(weight.Span.ToArray());
        }
        return TorchFiles.Zip(PickleBuilder.Of(pickle), storages);
    }
}
