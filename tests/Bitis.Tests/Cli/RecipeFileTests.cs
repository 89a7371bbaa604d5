using Bitis.Cli.Input;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Cli;

public sealed class RecipeFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string RecipePath => _folder["recipe.json"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Fields_that_are_given_change_the_default_recipe()
    {
        Recipe recipe = Load(
            """
            { // comments are allowed
              "method": "percentile", "percentile": 99.9, "bits": "w4a8", "activationGranularity": "perToken",
              "overrides": [{ "pattern": "*.x_proj*", "bits": "w8a8" }],
            }
            """);
        Assert.Equal(
            new Recipe
            {
                Method = "percentile",
                Settings = new PercentileSettings { Percentile = 99.9 },
                Bits = new BitWidths(4, 8),
                ActivationGranularity = Granularity.PerToken,
                Overrides = [new SiteOverride("*.x_proj*", new BitWidths(8, 8))],
            },
            recipe);
        Assert.Equal(new Recipe(), Load("{}"));
    }

    [Fact]
    public void Settings_are_of_the_method_and_usual_where_nothing_is_said()
    {
        Recipe expected = new()
        {
            Method = "ptq4vm",
            Settings = new Ptq4vmSettings { Alpha = 0.3, Official = true, Learning = new() { Steps = 7 } },
            Estimator = new("percentile", new PercentileRange { Percentile = 99 }),
        };
        Assert.Equal(expected, Load(
            """
            { "method": "ptq4vm", "settings": { "alpha": 0.3, "learning": { "steps": 7 }, "official": true },
              "estimator": { "name": "percentile", "settings": { "percentile": 99 } } }
            """));
        // As recipes were written before there were settings.
        Assert.Equal(expected with { Estimator = null }, Load(
            """
            { "method": "ptq4vm", "alpha": 0.3, "smoothing": true, "learning": { "steps": 7 }, "official": true,
              "percentile": 99.99 }
            """));
    }

    [Theory]
    [InlineData("{\n\"bitz\": \"w8a8\"}", "line 2", "'bitz'", "bits")]
    [InlineData("{\"bits\": 8}", "w8a8")]
    [InlineData("{\"bits\": \"w99a8\"}", "'w99a8'")]
    [InlineData("{\"method\": 3}", "line 1", "'method'", "mse")]
    [InlineData("{\"method\": null}", "'method'")]
    [InlineData("{\"method\": \"best\"}", "'best'", "minmax", "QuantizationMethod.Register")]
    [InlineData("{\"method\": \"percentile\", \"percentile\": 20}", "20")]
    [InlineData("{\"percentile\": \"x\"}", "'percentile'", "number")]
    [InlineData("{\"percentile\": 99}", "method 'mse'", "'percentile'", "no settings")]
    [InlineData("{\"smoothing\": false}", "method 'mse'", "'smoothing'", "no settings")]
    [InlineData(
        "{\"method\": \"ptq4vm+\", \"official\": true}",
        "method 'ptq4vm+'",
        "'official'",
        "alpha, smoothing, learning")]
    [InlineData(
        "{\"method\": \"smoothquant\", \"settings\": {\"steps\": 3}}",
        "method 'smoothquant'",
        "'steps'",
        "alpha, smoothing")]
    [InlineData("{\"method\": \"ptq4vm\", \"settings\": {\"learning\": {\"step\": 3}}}", "method 'ptq4vm'", "step")]
    [InlineData("{\"method\": \"ptq4vm\", \"settings\": {\"learning\": null}}", "method 'ptq4vm'", "learning")]
    [InlineData("{\"method\": \"ptq4vm\", \"settings\": {\"learning\": {\"steps\": -1}}}", "-1 steps")]
    [InlineData(
        "{\"method\": \"smoothquant\", \"settings\": {\"alpha\": \"x\"}}", "alpha: \"x\" was found", "a number")]
    [InlineData(
        "{\"method\": \"qmamba\", \"settings\": {\"learning\": {\"steps\": 1.5}}}",
        "learning.steps: 1.5 was found",
        "whole")]
    [InlineData("{\"method\": \"ptq4vm\", \"settings\": {\"official\": 1}}", "official: 1 was found", "true or false")]
    [InlineData("{\"method\": \"smoothquant\", \"settings\": {\"alpha\": 1e999}}", "method 'smoothquant'", "alpha")]
    [InlineData("{\"method\": \"smoothquant\", \"settings\": {\"alpha\": 1.5}}", "1.5", "0 to 1")]
    [InlineData("{\"method\": \"smoothquant\", \"settings\": {\"alpha\": 0.1, \"alpha\": 0.2}}", "alpha")]
    [InlineData("{\"method\": \"smoothquant\", \"settings\": [1]}", "'settings'", "object")]
    [InlineData("{\"method\": \"smoothquant\", \"settings\": {}, \"alpha\": 0.5}", "'alpha'", "'settings'")]
    [InlineData(
        "{\"estimator\": {\"name\": \"best\"}}", "estimator 'best'", "truncation", "RangeEstimatorKind.Register")]
    [InlineData(
        "{\"estimator\": {\"name\": \"mse\", \"settings\": {\"percentile\": 9}}}", "estimator 'mse'", "no settings")]
    [InlineData("{\"estimator\": {\"name\": \"percentile\", \"settings\": {\"percentile\": 9}}}", "percentile of 9")]
    [InlineData("{\"activationGranularity\": \"perChannel\"}", "per channel")]
    [InlineData("{\"activationGranularity\": 1}", "perToken")]
    [InlineData("{\"overrides\": [null]}", "null")]
    [InlineData("{\"overrides\": [{\"pattern\": \"x\"}]}", "overrides[0]")]
    [InlineData("[1]", "not a recipe")]
    [InlineData("null", "not a recipe")]
    [InlineData("", "0 bytes")]
    [InlineData("{\"method\": \"mse\"", "line 1")]
    public void What_is_not_a_recipe_is_refused_with_its_place(string text, params string[] words)
    {
        BitisException e = Assert.Throws<BitisException>(() => Load(text));
        Assert.StartsWith(RecipePath, e.Message);
        foreach (string word in words)
            Assert.Contains(word, e.Message);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("missing.json", Assert.Throws<BitisException>(() => RecipeFile.Load("missing.json")).Message);

    private Recipe Load(string text)
    {
        File.WriteAllText(RecipePath, text);
        return RecipeFile.Load(RecipePath);
    }
}
