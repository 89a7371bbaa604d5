using Bitis.Quantization.Recipes;

namespace Bitis.Cli.Input;

/// <summary>Reads a recipe from a JSON file, whose fields are those of <see cref="Recipe"/> in camel case.</summary>
internal static class RecipeFile
{
    private static readonly JsonFile File = new(
        "recipe", "{ \"method\": \"mse\", \"bits\": \"w8a8\" }", new Dictionary<string, string>
        {
            ["method"] = "a method's name, such as \"mse\"",
            ["bits"] = "text such as \"w8a8\"",
            ["activationGranularity"] = "\"perTensor\" or \"perToken\"",
            ["settings"] = "an object with settings of the method, such as { \"alpha\": 0.5 }",
            ["estimator"] = "an object such as { \"name\": \"mse\" }",
            ["estimator.name"] = "the name of a range estimator, such as \"mse\"",
            ["estimator.settings"] = "an object with settings of the estimator, such as { \"percentile\": 99.9 }",
            ["timeGroups"] = "a whole number from 1 to 4096",
            ["decay"] = "\"uniform\", \"longTailed\" or \"logarithmic\"",
            ["percentile"] = "a number such as 99.99",
            ["alpha"] = "a number from 0 to 1",
            ["learning"] = "an object such as { \"steps\": 100 }",
            ["learning.steps"] = "a whole number of at least 0",
            ["learning.batchSize"] = "a whole number of at least 1",
            ["learning.weightRate"] = "a number such as 0.01",
            ["learning.activationRate"] = "a number such as 0.01",
            ["learning.smoothingRate"] = "a number such as 0.01",
            ["official"] = "true or false",
            ["overrides"] =
                "a list such as [{ \"pattern\": \"*.x_proj*\", \"bits\": \"w8a8\" }], "
                + "with \"scope\" instead of or beside \"bits\"",
        });

    /// <summary>Reads and checks a recipe.</summary>
    /// <exception cref="BitisException">
    /// The file is missing or is not a recipe; the message names the place.
    /// </exception>
    public static Recipe Load(string path) => File.Load<RecipeDocument>(path, recipe => recipe.ToRecipe()).ToRecipe();
}
