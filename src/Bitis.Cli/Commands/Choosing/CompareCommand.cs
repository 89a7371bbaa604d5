using System.CommandLine;
using Bitis.Analysis.Results;
using Bitis.Cli.Input;
using Bitis.Cli.Output.Results;
using Bitis.Cli.Output.Results.Choosing;
using Bitis.Evaluation;
using Bitis.Models.Poses;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;

namespace Bitis.Cli.Commands.Choosing;

/// <summary><c>bitis compare</c>: quantizes a model with several recipes and measures them side by side.</summary>
internal sealed class CompareCommand : ChoosingCommand
{
    private readonly Option<string[]> _recipes = new("--recipes")
    {
        Description = "Recipes as JSON files, one behind the other.",
        HelpName = "FILES",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]?> _methods = CommonOptions.Parsed<string[]?>(
        "--methods",
        $"Methods, separated by commas: {string.Join(", ", QuantizationMethod.Names)}. "
        + "Each is combined with each of --bits and --scopes.",
        ParseMethods, "NAMES");

    private readonly Option<BitWidths[]?> _bits = CommonOptions.Parsed<BitWidths[]?>(
        "--bits", "Bits of weights and activations, separated by commas. [default: w8a8]",
        text => [.. Parts(text).Select(BitWidths.Parse)], "BITS");

    private readonly Option<Scope[]?> _scopes = CommonOptions.Parsed<Scope[]?>(
        "--scopes", "Scopes, separated by commas: linear, ssm, full. [default: linear]",
        text => [.. Parts(text).Select(RecipeOptionSet.ParseScope)], "SCOPES");

    private readonly Option<int?> _steps = CommonOptions.OptionalNumber(
        "--steps", "For methods that learn: steps for each block. [default: 100]");

    /// <summary>Creates the command.</summary>
    public CompareCommand(CliContext context)
        : base(
            "compare",
            "Quantizes a model with several recipes or methods, and shows accuracy, agreement, size and latency side "
            + "by side.",
            "bitis compare vim_t.pth --methods mse,ptq4vm+ --bits w8a8,w4a8 --calibration photos/ --data test/",
            context, needsData: true, takesMaps: true)
    {
        foreach (Option option in (Option[])[_recipes, _methods, _bits, _scopes, _steps])
            Options.Add(option);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        IReadOnlyList<(string Name, Recipe Recipe)> recipes = ReadRecipes(arguments);
        LoadedModel model = LoadFloat(arguments, progress);
        ModelComparison.RequireFitting(model.Float!, recipes.Select(entry => entry.Recipe));
        using ChoosingImages images = OpenImages(arguments, model, progress);
        int threads = Threads(arguments);
        string? classes = model.Config is PoseConfig
            ? null
            : ClassMap.Describe(images.Measured, model.Config.Classes, model.ClassNames);
        if (IsDryRun(arguments))
        {
            return DryRunResult.For(
                model, [.. recipes.Select(entry => $"quantize and measure {entry.Name}")],
                images.Measured.Count * (recipes.Count + 1L),
                images.Drawn.Count * recipes.Sum(entry => DryRunResult.Passes(entry.Recipe, images.Drawn.Count)),
                threads, Context.Cancellation);
        }
        IReadOnlyList<ComparedModel> models = ModelComparison.Run(
            model.Float!, images.Calibration, images.Measured, [.. recipes.Select(entry => entry.Recipe)],
            new ComparisonOptions { BatchSize = Batch(arguments), Threads = threads, Progress = progress },
            Context.Cancellation);
        WarnOfDamaged(images.Measured);
        return new CompareResult(
            model.Reference, model.Config.Family, model.Float!.Graph.ParameterCount, images.CalibrationDescription,
            images.Drawn.Count, images.DataDescription!, models[0].Images, models[0].Labeled, classes,
            threads == 0 ? Environment.ProcessorCount : threads,
            [models[0], .. models.Skip(1).Zip(recipes, (row, entry) => row with { Name = entry.Name })]);
    }

    private IReadOnlyList<(string Name, Recipe Recipe)> ReadRecipes(ParseResult arguments)
    {
        string[] files = arguments.GetValue(_recipes) ?? [], methods = arguments.GetValue(_methods) ?? [];
        if (files.Length == 0 == (methods.Length == 0))
            throw new BitisException("Give either --recipes or --methods.");
        if (files.Length > 0)
        {
            return arguments.GetValue(_bits) is not { Length: > 0 }
                && arguments.GetValue(_scopes) is not { Length: > 0 }
                && arguments.GetValue(_steps) is null
                ? [.. files.Select(file => (file, RecipeFile.Load(file)))]
                : throw new BitisException("--bits, --scopes and --steps go with --methods; a recipe says its own.");
        }
        return
        [
            .. from scope in Given(arguments, _scopes, Scope.Linear)
               from bits in Given(arguments, _bits, new BitWidths(8, 8))
               from method in methods
               let recipe = new Recipe { Method = method, Bits = bits, Scope = scope }
               select (recipe.ShortName, Limited(recipe, arguments.GetValue(_steps))),
        ];
    }

    /// <summary>The values of an option; an option that is not given has none.</summary>
    private static T[] Given<T>(ParseResult arguments, Option<T[]?> option, T otherwise) =>
        arguments.GetValue(option) is { Length: > 0 } values ? values : [otherwise];

    private static Recipe Limited(Recipe recipe, int? steps) =>
        steps is { } count && QuantizationMethod.Find(recipe.Method).SettingNames.Contains("learning")
            ? recipe.WithSettings(new() { ["learning"] = new System.Text.Json.Nodes.JsonObject { ["steps"] = count } })
            : recipe;

    private static string[] ParseMethods(string text)
    {
        string[] names = Parts(text);
        foreach (string name in names)
            QuantizationMethod.Find(name);
        return names;
    }
}
