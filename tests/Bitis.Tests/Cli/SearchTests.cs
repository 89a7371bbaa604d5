using System.Text.Json;

namespace Bitis.Tests.Cli;

/// <summary><c>bitis search</c> finds a recipe that keeps a budget.</summary>
public sealed class SearchTests : IDisposable
{
    private static readonly string[] Command =
    [
        "search", "vim-micro-builtin", "--calibration", "builtin/train", "--images", "16", "--data", "builtin/test",
        "--limit", "120", "--scopes", "linear",
    ];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_recipe_is_one_for_quantize()
    {
        string recipe = _folder["recipe.json"];
        JsonElement result = CliRunner.RunJson(
            [.. Command, "--budget", "drop<=3", "--minimize", "size", "-o", recipe]);
        JsonElement chosen = result.GetProperty("chosen");
        Assert.Equal("size", result.GetProperty("minimize").GetString());
        Assert.Equal(60, result.GetProperty("choosingImages").GetInt32());
        Assert.Equal(60, result.GetProperty("reportingImages").GetInt32());
        Assert.True(chosen.GetProperty("estimatedDrop").GetDouble() <= 3);
        Assert.Equal(recipe, result.GetProperty("output").GetString());
        CliRunner.Run(
            "quantize", "vim-micro-builtin", "--calibration", "builtin/train", "--images", "16", "--recipe", recipe,
            "-o", _folder["a.bitis"]).AssertSucceeded();
        Assert.Equal(chosen.GetProperty("fileBytes").GetInt64(), new FileInfo(_folder["a.bitis"]).Length);
        JsonElement eval = CliRunner.RunJson("eval", _folder["a.bitis"], "--data", "builtin/test", "--images", "120");
        // Each half has 60 of these images.
        Assert.Equal(
            eval.GetProperty("top1").GetDouble(),
            (chosen.GetProperty("choosingTop1").GetDouble() + chosen.GetProperty("reportingTop1").GetDouble()) / 2, 6);
    }

    [Fact]
    public void The_text_shows_front_rivals_and_choice()
    {
        CliOutcome outcome = CliRunner.Run(
            [.. Command, "--budget", "drop<=5", "--bits", "w8a8", "-o", _folder["recipe.json"]]);
        outcome.AssertSucceeded();
        Assert.Contains("Recipes without overrides", outcome.Output);
        Assert.Contains("The front", outcome.Output);
        Assert.Contains("60 choose, 60 others report", outcome.Output);
        Assert.Contains("±", outcome.Output);
        Assert.True(File.Exists(_folder["recipe.json"]));
    }

    [Fact]
    public void A_budget_that_nothing_keeps_writes_nothing()
    {
        CliOutcome outcome = CliRunner.Run(
            [.. Command, "--budget", "size<=2kB", "--bits", "w8a8", "-o", _folder["recipe.json"]]);
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("No recipe keeps size<=0.002MB", outcome.Output);
        Assert.Contains("The nearest", outcome.Output);
        Assert.False(File.Exists(_folder["recipe.json"]));
    }

    [Fact]
    public void A_model_that_segments_is_measured_by_its_iou()
    {
        JsonElement result = CliRunner.RunJson(
            "search", "vmamba-seg-builtin", "--calibration", "builtin-masks/train", "--images", "2", "--data",
            "builtin-masks/test", "--limit", "4", "--methods", "minmax", "--bits", "w8a8", "--scopes", "linear",
            "--budget", "drop<=50", "-o", _folder["recipe.json"]);
        JsonElement chosen = result.GetProperty("chosen");
        Assert.InRange(chosen.GetProperty("reportingMeanIou").GetDouble(), 0.2, 1);
        Assert.Equal(JsonValueKind.Null, chosen.GetProperty("choosingTop1").ValueKind);
        Assert.InRange(chosen.GetProperty("sameTop1").GetDouble(), 0.8, 1);
    }

    [Fact]
    public void A_dry_run_does_nothing()
    {
        CliOutcome plan = CliRunner.Run(
            [.. Command, "--budget", "drop<=1", "-o", _folder["recipe.json"], "--dry-run"]);
        plan.AssertSucceeded();
        Assert.Contains("parts alone", plan.Output);
        Assert.Contains("on the 60 images that report", plan.Output);
        Assert.False(File.Exists(_folder["recipe.json"]));
    }

    [Fact]
    public void Contradictions_are_refused()
    {
        string[] command = [.. Command, "-o", _folder["recipe.json"]];
        CliRunner.Run(command).AssertRefused("--budget");
        CliRunner.Run([.. command, "--budget", "drop"]).AssertRefused("is not a budget");
        CliRunner.Run([.. command, "--budget", "size<=1MB", "--minimize", "size"]).AssertRefused("--minimize");
        CliRunner.Run([.. command, "--budget", "drop<=1", "--minimize", "speed"]).AssertRefused("'speed'");
        CliRunner.Run([.. command, "--budget", "drop<=1", "--bits", "float"]).AssertRefused("--bits");
        CliRunner.Run([.. command, "--budget", "drop<=1", "--methods", "none"]).AssertRefused("'none'");
        CliRunner.Run(
            "search", "vim-micro-builtin", "--calibration", "builtin/test", "--images", "2000", "--data",
            "builtin/test", "--limit", "4", "--budget", "drop<=1", "-o", _folder["recipe.json"])
            .AssertRefused("also in the calibration", "3 more");
    }
}
