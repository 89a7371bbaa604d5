using Bitis.Cli.Input;
using Bitis.Quantization;

namespace Bitis.Tests.Cli;

public sealed class RecipeFileTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

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
                Percentile = 99.9,
                Bits = new BitWidths(4, 8),
                ActivationGranularity = Granularity.PerToken,
                Overrides = [new SiteOverride("*.x_proj*", new BitWidths(8, 8))],
            },
            recipe);
        Assert.Equal(new Recipe(), Load("{}"));
    }

    [Theory]
    [InlineData("{\n\"bitz\": \"w8a8\"}", "line 2", "'bitz'", "bits")]
    [InlineData("{\"bits\": 8}", "w8a8")]
    [InlineData("{\"bits\": \"w99a8\"}", "'w99a8'")]
    [InlineData("{\"method\": 3}", "line 1", "'method'", "mse")]
    [InlineData("{\"method\": null}", "'method'")]
    [InlineData("{\"method\": \"best\"}", "'best'", "minmax")]
    [InlineData("{\"percentile\": 20}", "20")]
    [InlineData("{\"percentile\": \"x\"}", "'percentile'", "number")]
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
        Assert.StartsWith(_path, e.Message);
        foreach (string word in words)
            Assert.Contains(word, e.Message);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("missing.json", Assert.Throws<BitisException>(() => RecipeFile.Load("missing.json")).Message);

    private Recipe Load(string text)
    {
        File.WriteAllText(_path, text);
        return RecipeFile.Load(_path);
    }
}
