using System.CommandLine;
using System.Globalization;
using Bitis.Models;
using Bitis.Training;

namespace Bitis.Cli.Input;

/// <summary>The options that make a training recipe. Those that are given change the recipe file's values, if there is a file.</summary>
internal sealed class TrainingOptionSet
{
    private readonly Option<string?> _model = CommonOptions.Parsed<string?>(
        "--model", $"The architecture: {string.Join(", ", SmallModels.Names)}. [default: vim-micro]", ParseModel, "NAME");

    private readonly Option<int?> _epochs = CommonOptions.OptionalNumber("--epochs", "How often each image is seen. [default: 30]");
    private readonly Option<int?> _batch = CommonOptions.OptionalNumber("--batch", "Images a step. [default: 128]");
    private readonly Option<double?> _learningRate = CommonOptions.Parsed<double?>(
        "--lr", "The learning rate after the warm-up. [default: 0.001]", ParseRate, "RATE");

    private readonly Option<int?> _seed = CommonOptions.Parsed<int?>(
        "--seed", "Where the random numbers of weights, order and augmentation start. [default: 0]", ParseSeed, "N");

    private readonly Option<string?> _backward = CommonOptions.Parsed<string?>(
        "--backward",
        $"How gradients of linear and convolutional layers are computed: {string.Join(", ", BackwardMethods.Names)}. [default: exact]",
        ParseBackward,
        "METHOD");

    private readonly Option<string?> _file = CommonOptions.Path(
        "--recipe", "A training recipe as a JSON file; the other options change it.", "FILE");

    /// <summary>Adds the options to a command.</summary>
    public TrainingOptionSet(Command command)
    {
        _learningRate.Aliases.Add("--learning-rate");
        foreach (Option option in (Option[])[_model, _epochs, _batch, _learningRate, _seed, _backward, _file])
            command.Options.Add(option);
    }

    /// <summary>Whether the user named an architecture, or a recipe, which has one.</summary>
    public bool NamesModel(ParseResult arguments) => arguments.GetValue(_model) is not null || arguments.GetValue(_file) is not null;

    /// <summary>The recipe that the user described.</summary>
    /// <param name="arguments">What the user typed.</param>
    /// <param name="usual">The values of what was not given.</param>
    /// <exception cref="BitisException">The recipe file cannot be used.</exception>
    public TrainingRecipe Read(ParseResult arguments, TrainingRecipe usual)
    {
        TrainingRecipe recipe = arguments.GetValue(_file) is { } file ? TrainingRecipeFile.Load(file) : usual;
        double rate = arguments.GetValue(_learningRate) ?? recipe.LearningRate;
        int epochs = arguments.GetValue(_epochs) ?? recipe.Epochs;
        string? model = arguments.GetValue(_model);
        return recipe with
        {
            Model = model ?? recipe.Model,
            Config = model is null ? recipe.Config : null,
            Epochs = epochs,
            BatchSize = arguments.GetValue(_batch) ?? recipe.BatchSize,
            LearningRate = rate,
            Seed = arguments.GetValue(_seed) ?? recipe.Seed,
            Backward = arguments.GetValue(_backward) is { } method ? recipe.Backward with { Method = method } : recipe.Backward,
        };
    }

    private static string ParseModel(string text)
    {
        SmallModels.Get(text, classes: 1);
        return text;
    }

    private static string ParseBackward(string text)
    {
        new BackwardPolicy { Method = text }.Validate();
        return text;
    }

    private static double? ParseRate(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value > 0
            ? value
            : throw new BitisException($"--lr takes a positive number such as 0.001, not '{text}'.");

    private static int? ParseSeed(string text) => int.TryParse(text, out int value) && value >= 0
        ? value
        : throw new BitisException($"--seed takes a whole number of at least 0, not '{text}'.");
}
