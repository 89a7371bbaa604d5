using System.Text.Json;

namespace Bitis.Tests.Cli;

/// <summary><c>bitis compare</c> measures recipes side by side.</summary>
public sealed class CompareTests : IDisposable
{
    private static readonly string[] Command =
    [
        "compare", "vim-micro-builtin", "--calibration", "builtin/train", "--images", "16", "--data", "builtin/test",
        "--limit", "64",
    ];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Rows_are_what_eval_measures()
    {
        string recipe = _folder.WriteText("a.json", """{ "method": "minmax", "bits": "w4a4" }""");
        JsonElement[] models = Models([.. Command, "--recipes", recipe, "--threads", "1"]);
        CliRunner.Run(
            "quantize", "vim-micro-builtin", "--calibration", "builtin/train", "--images", "16", "--recipe", recipe,
            "-o", _folder["a.bitis"]).AssertSucceeded();
        JsonElement eval = CliRunner.RunJson(
            "eval", _folder["a.bitis"], "--data", "builtin/test", "--images", "64", "--baseline", "vim-micro-builtin");
        Assert.Equal(2, models.Length);
        Assert.Equal(eval.GetProperty("top1").GetDouble(), models[1].GetProperty("top1").GetDouble());
        Assert.Equal(
            eval.GetProperty("agreements")[0].GetProperty("top1").GetDouble(),
            models[1].GetProperty("sameTop1").GetDouble());
        Assert.Equal(new FileInfo(_folder["a.bitis"]).Length, models[1].GetProperty("fileBytes").GetInt64());
        Assert.True(models[0].GetProperty("top1").GetDouble() > models[1].GetProperty("top1").GetDouble());
    }

    [Fact]
    public void Methods_are_combined_with_bits_and_scopes()
    {
        JsonElement[] models = Models(
            [.. Command, "--methods", "minmax,mse", "--bits", "w8a8,w4a8", "--scopes", "linear,ssm"]);
        Assert.Equal(1 + 8, models.Length);
        Assert.Equal("mse w4a8 ssm", models[8].GetProperty("name").GetString());
    }

    [Fact]
    public void A_model_that_segments_has_its_own_measures()
    {
        JsonElement[] models = Models(
            "compare", "vmamba-seg-builtin", "--calibration", "builtin-masks/train", "--images", "4", "--data",
            "builtin-masks/test", "--limit", "4", "--methods", "minmax");
        Assert.All(models, model => Assert.InRange(model.GetProperty("meanIou").GetDouble(), 0.3, 1));
        Assert.InRange(models[1].GetProperty("sameTop1").GetDouble(), 0.8, 1);
        Assert.Equal(JsonValueKind.Null, models[1].GetProperty("top1").ValueKind);
    }

    [Fact]
    public void A_dry_run_does_nothing()
    {
        CliOutcome plan = CliRunner.Run([.. Command, "--methods", "mse", "--dry-run"]);
        plan.AssertSucceeded();
        Assert.Contains("quantize and measure mse w8a8 linear", plan.Output);
    }

    [Fact]
    public void A_dry_run_counts_what_is_learned()
    {
        long Runs(string method) => CliRunner.RunJson([.. Command, "--methods", method, "--dry-run"])
            .GetProperty("runs").GetInt64();
        Assert.True(Runs("ptq4vm") > 10 * Runs("mse"));
    }

    [Fact]
    public void Contradictions_are_refused()
    {
        CliRunner.Run(Command).AssertRefused("either --recipes or --methods");
        CliRunner.Run([.. Command, "--methods", "nonsense"]).AssertRefused("nonsense");
        CliRunner.Run([.. Command, "--recipes", "missing.json"]).AssertRefused("missing.json");
        CliRunner.Run([.. Command, "--methods", "mse", "--labels", "masks"])
            .AssertRefused("--labels is for models that segment");
    }

    private static JsonElement[] Models(params string[] command) =>
        [.. CliRunner.RunJson(command).GetProperty("models").EnumerateArray()];
}
