using System.Text.Json.Nodes;
using Bitis.Tests;
using Bitis.Tests.Cli;

namespace Bitis.Pages.Tests;

/// <summary>Small results of all commands that a report shows, of a model that comes with Bitis.</summary>
public sealed class ReportSamples : IDisposable
{
    /// <summary>A class name that would become markup, and end a script.</summary>
    public const string Hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";

    /// <summary>A float model that segments.</summary>
    public const string SegmentingModel = "vmamba-seg-builtin";

    private const string Model = "vim-micro-builtin";

    private readonly TempFolder _folder = new();

    /// <summary>Runs the commands.</summary>
    public ReportSamples()
    {
        Quantized = _folder["micro.bitis"];
        string[] calibration = ["--calibration", "builtin/train", "--images", "8"], data = ["--data", "builtin/test"];
        Results =
        [
            Run(
                "quantize",
                ["quantize", Model, .. calibration, "--method", "minmax", "--bits", "w4a4", "-o", Quantized]),
            Run("eval", ["eval", Quantized, .. data, "--images", "64", "--baseline", Model, "--confusion"]),
            Run("float", ["eval", Model, .. data, "--images", "64", "--confusion"]),
            Run("bench", ["bench", Quantized, "--baseline", Model, "--images", "3", "--warmup", "0", "--profile"]),
            Run("analyze", ["analyze", Model, "--data", "builtin/train", "--images", "2"]),
            Run("compare", ["compare", Model, .. calibration, .. data, "--limit", "16", "--methods", "minmax,mse"]),
            Run("sensitivity", ["sensitivity", Model, .. calibration, .. data, "--limit", "16", "--exact", "1"]),
        ];
        Segmenter = _folder["maps.bitis"];
        CliRunner.Run(
            "quantize", SegmentingModel, "--calibration", "builtin-masks/train", "--images", "2", "--method", "minmax",
            "--bits", "w4a4", "--scope", "ssm", "-o", Segmenter).AssertSucceeded();
        Training = _folder["run"];
        CliRunner.Run(
            "train", "--model", "vim-micro", "--data", "builtin/train", "--validation", "builtin/test", "--take", "32",
            "--batch", "16", "--epochs", "2", "-o", Training).AssertSucceeded();
    }

    /// <summary>Results of quantize, eval (twice), bench, analyze, compare and sensitivity.</summary>
    public IReadOnlyList<string> Results { get; }

    /// <summary>A model that segments, with quantized scans.</summary>
    public string Segmenter { get; }

    /// <summary>A quantized model.</summary>
    public string Quantized { get; }

    /// <summary>The folder of a training.</summary>
    public string Training { get; }

    /// <summary>A path in a folder that is deleted at the end.</summary>
    public string this[string name] => _folder[name];

    /// <summary>An evaluation whose classes have names that are markup.</summary>
    public string WriteHostile()
    {
        JsonNode result = JsonNode.Parse(File.ReadAllText(this["eval.json"]))!;
        result["model"] = Hostile;
        result["run"]!["command"] = $"bitis eval '{Hostile}'";
        foreach (JsonNode? one in result["classes"]!.AsArray())
            one!["name"] = $"{Hostile}{one["class"]}";
        foreach (JsonNode? pair in result["confusions"]!.AsArray())
            (pair!["label"], pair["predicted"]) = ($"{Hostile}0", $"{Hostile}1");
        string path = this["hostile.json"];
        File.WriteAllText(path, result.ToJsonString());
        return path;
    }

    /// <summary>Deletes everything.</summary>
    public void Dispose() => _folder.Dispose();

    private string Run(string name, string[] command)
    {
        string path = this[$"{name}.json"];
        File.WriteAllText(path, CliRunner.Run([.. command, "--json"]).AssertSucceeded().Output);
        return path;
    }
}
