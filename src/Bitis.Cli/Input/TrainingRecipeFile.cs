
namespace Bitis.Cli.Input;

/// <summary>
/// Reads a training recipe from a JSON file, whose fields are those of <see cref="TrainingRecipe"/> in camel case.
/// </summary>
internal static class TrainingRecipeFile
{
    private static readonly JsonFile File = new(
        "training recipe", "{ \"model\": \"vim-micro\", \"epochs\": 100 }", new Dictionary<string, string>
        {
            ["model"] = "an architecture's name, such as \"vim-micro\"",
            ["config"] =
                "an architecture such as { \"family\": \"vim\", \"imageSize\": 32, \"patchSize\": 4, "
                + "\"stride\": 4, \"width\": 64, "
                + "\"innerWidth\": 128, \"depth\": 6, \"deltaRank\": 4, \"classes\": 10 }",
            ["epochs"] = "a whole number such as 100",
            ["batchSize"] = "a whole number such as 128",
            ["learningRate"] = "a number such as 0.001",
            ["minLearningRate"] = "a number such as 0.00001",
            ["warmUpEpochs"] = "a number such as 5",
            ["weightDecay"] = "a number such as 0.05",
            ["beta1"] = "a number such as 0.9",
            ["beta2"] = "a number such as 0.999",
            ["epsilon"] = "a number such as 1e-8",
            ["clipNorm"] = "a number such as 1",
            ["averageDecay"] = "a number such as 0.999",
            ["seed"] = "a whole number such as 0",
            ["evaluationInterval"] = "a whole number of epochs such as 1",
            ["backward"] = "an object such as { \"method\": \"hlq\" }",
            ["backward.method"] = "a method's name, such as \"hlq\"",
            ["backward.overrides"] = "a list such as [ { \"pattern\": \"layers.0.*\", \"method\": \"exact\" } ]",
            ["backward.rank"] = "4, 8, 12 or 16",
            ["backward.activationBits"] = "4 or 8",
            ["backward.gradientBits"] = "4 or 8",
            ["freeze"] = "a list of patterns such as [ \"patch_embed*\", \"layers.0.*\" ]",
            ["augmentation"] = "an object such as { \"flip\": true, \"labelSmoothing\": 0.1 }",
            ["augmentation.cropPadding"] = "a whole number of pixels such as 4",
            ["augmentation.labelSmoothing"] = "a number such as 0.1",
            ["augmentation.mixupAlpha"] = "a number such as 0.2",
            ["augmentation.cutMixAlpha"] = "a number such as 1",
        });

    /// <summary>Reads and checks a recipe.</summary>
    /// <exception cref="BitisException">
    /// The file is missing or is not a recipe; the message names the place.
    /// </exception>
    public static TrainingRecipe Load(string path) => File.Load<TrainingRecipe>(path, recipe => recipe.Validate());
}
