using System.CommandLine;
using System.Globalization;
using Bitis.Execution.LowBit;
using Bitis.Models;
using Bitis.Models.Catalogue;

namespace Bitis.Cli.Input;

/// <summary>The options that make a training recipe.</summary>
/// <remarks>Those that are given change the recipe file's values, if there is a file.</remarks>
internal sealed class TrainingOptionSet
{
    private readonly Option<string?> _model = CommonOptions.Parsed<string?>(
        "--model", $"The architecture: {string.Join(", ", SmallModels.Names)}. [default: vim-micro]", ParseModel,
            "NAME");

    private readonly Option<int?> _epochs;
    private readonly Option<int?> _batch;
    private readonly Option<double?> _learningRate;
    private readonly Option<string[]> _freeze = new("--freeze")
    {
        Description =
            "Layers that do not learn, by a pattern of their names: 'layers.0.*', 'patch_embed*'. Can be given "
            + "several times.",
        HelpName = "PATTERN",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly TrainingRecipe _usual;
    private readonly bool _choosesModel;
    private readonly Option<int?> _seed = CommonOptions.Parsed<int?>(
        "--seed", "Where the random numbers of weights, order and augmentation start. [default: 0]", ParseSeed, "N");

    private readonly Option<string?> _backward = CommonOptions.Parsed<string?>(
        "--backward",
        "How gradients of linear and convolutional layers are computed: "
        + $"{string.Join(", ", BackwardMethods.Names)}. [default: exact]",
        ParseBackward,
        "METHOD");

    private readonly Option<string?> _file = CommonOptions.Path(
        "--recipe", "A training recipe as a JSON file; the other options change it.", "FILE");

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="usual">The values of what the user does not give.</param>
    /// <param name="choosesModel">Whether the user names the architecture.</param>
    public TrainingOptionSet(Command command, TrainingRecipe usual, bool choosesModel)
    {
        (_usual, _choosesModel) = (usual, choosesModel);
        _epochs = CommonOptions.OptionalNumber("--epochs", $"How often each image is seen. [default: {usual.Epochs}]");
        _batch = CommonOptions.OptionalNumber("--batch", $"Images a step. [default: {usual.BatchSize}]");
        _learningRate = CommonOptions.Parsed<double?>(
            "--lr",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The learning rate after the warm-up. [default: {usual.LearningRate}]"),
                ParseRate, "RATE");
        _learningRate.Aliases.Add("--learning-rate");
        if (choosesModel)
            command.Options.Add(_model);
        foreach (Option option in (Option[])[_epochs, _batch, _learningRate, _seed, _backward, _freeze, _file])
            command.Options.Add(option);
    }

    /// <summary>The recipe file; null if there is none.</summary>
    public string? File(ParseResult arguments) => arguments.GetValue(_file);

    /// <summary>The recipe that the user described.</summary>
    /// <param name="arguments">What the user typed.</param>
    /// <param name="started">The recipe of the training that is resumed; null for a new one.</param>
    /// <param name="initial">
    /// The architecture of the model that a new training starts with; null for random weights.
    /// </param>
    /// <exception cref="BitisException">The recipe file cannot be used.</exception>
    public TrainingRecipe Read(ParseResult arguments, TrainingRecipe? started, ModelConfig? initial)
    {
        string? file = File(arguments), model = _choosesModel ? arguments.GetValue(_model) : null;
        TrainingRecipe recipe = file is not null ? TrainingRecipeFile.Load(file) : started ?? _usual;
        if (!_choosesModel)
        {
            if (file is not null && (recipe.Config is not null || recipe.Model != _usual.Model))
            {
                throw BitisException.InFile(
                    file, "the architecture is the checkpoint's; leave 'model' and 'config' out.");
            }

            recipe = recipe with { Config = started?.Config ?? initial };
        }
        else if (file is null && model is null && initial is not null)
        {
            recipe = recipe with { Config = initial };
        }
        double rate = arguments.GetValue(_learningRate) ?? recipe.LearningRate;
        int epochs = arguments.GetValue(_epochs) ?? recipe.Epochs;
        return recipe with
        {
            Model = model ?? recipe.Model,
            Config = model is null ? recipe.Config : null,
            Epochs = epochs,
            BatchSize = arguments.GetValue(_batch) ?? recipe.BatchSize,
            LearningRate = rate,
            Seed = arguments.GetValue(_seed) ?? recipe.Seed,
            Backward = arguments.GetValue(_backward) is { } method
                ? recipe.Backward with { Method = method }
                : recipe.Backward,
            Freeze = arguments.GetValue(_freeze) is { Length: > 0 } patterns ? patterns : recipe.Freeze,
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
