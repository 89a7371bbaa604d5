using System.CommandLine;
using System.Diagnostics;
using Bitis.Analysis.Results;
using Bitis.Analysis.Search;
using Bitis.Analysis.Search.Measures;
using Bitis.Analysis.Search.Mixtures;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Results;
using Bitis.Cli.Output.Results.Choosing;
using Bitis.Evaluation;
using Bitis.Files;
using Bitis.Models.Segmentation;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;

namespace Bitis.Cli.Commands.Choosing;

/// <summary><c>bitis search</c>: finds the recipe that keeps a budget and costs least.</summary>
internal sealed class SearchCommand : ChoosingCommand
{
    private static readonly SearchSettings Usual = new(new(SearchMeasure.Drop, 0), SearchMeasure.Latency, ["mse"]);

    private readonly Option<SearchBudget?> _budget = CommonOptions.Parsed<SearchBudget?>(
        "--budget",
        "What the recipe must keep: 'drop<=0.5' (points of top-1 or mean IoU), 'latency<=2.5ms' or 'size<=1MB'.",
        SearchBudget.Parse, "BUDGET");

    private readonly Option<SearchMeasure?> _minimize = CommonOptions.Parsed<SearchMeasure?>(
        "--minimize",
        "With a budget for the drop: latency or size. Other budgets minimize the drop. [default: latency]",
        ParseGoal, "latency|size");

    private readonly Option<string[]?> _methods = CommonOptions.Parsed<string[]?>(
        "--methods", "The methods to choose from, separated by commas; a recipe has one. [default: mse]",
        text => [.. Parts(text).Select(name => QuantizationMethod.Find(name).Name)], "NAMES");

    private readonly Option<BitWidths[]?> _bits = CommonOptions.Parsed<BitWidths[]?>(
        "--bits",
        $"The bits to choose from for each part, separated by commas. [default: {string.Join(',', Usual.Bits)}]",
        text => [.. Parts(text).Select(ParseBits)], "BITS");

    private readonly Option<Scope[]?> _scopes = CommonOptions.Parsed<Scope[]?>(
        "--scopes", "The scopes to choose from for each part, separated by commas. [default: linear,ssm,full]",
        text => [.. Parts(text).Select(RecipeOptionSet.ParseScope)], "SCOPES");

    private readonly Option<string?> _work = CommonOptions.Path(
        "--work", "A folder for finished runs: searches with the same images continue from there.", "FOLDER");

    private readonly Option<string?> _output = CommonOptions.RequiredPath(
        "--output", "The recipe to write, for quantize --recipe; an existing file is replaced.", "RECIPE.json");

    /// <summary>Creates the command.</summary>
    public SearchCommand(CliContext context)
        : base(
            "search",
            "Finds bits for the layers and scans of each block of a model: the fastest or smallest recipe "
            + "that keeps a budget. One half of --data chooses, the other half reports.",
            "bitis search vim_t.pth --calibration photos/ --data test/ --minimize size --budget 'drop<=0.5' "
            + "-o recipe.json",
            context, needsData: true, takesMaps: true)
    {
        _budget.Required = true;
        _output.Aliases.Add("-o");
        foreach (Option option in (Option[])[_budget, _minimize, _methods, _bits, _scopes, _work, _output])
            Options.Add(option);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        long started = Stopwatch.GetTimestamp();
        SearchSettings settings = Settings(arguments, progress);
        string output = arguments.GetRequiredValue(_output)!;
        using OutputTarget target = OutputTarget.Resolve(output);
        target.RequireWritable();
        if (settings.WorkFolder is { } work)
            OutputFolder.RequireWritable(work, "the folder for finished runs");
        LoadedModel model = LoadFloat(arguments, progress);
        target.RequireOtherThan([.. model.Files, .. InputPaths(arguments)]);
        SearchAnswers.RequireSupported(model.Float!);
        var space = new SearchSpace(model.Float!.Folded().Graph, settings.Bits, settings.Scopes);
        using ChoosingImages images = OpenImages(arguments, model, progress);
        string? classes = ClassMap.Describe(images.Measured, model.Config.Classes, model.ClassNames);
        if (IsDryRun(arguments))
            return Plan(model, settings, space, images);
        RecipeSearchResult found = RecipeSearch.Run(
            model.Float!, images.Calibration, images.Measured, settings, Context.Cancellation);
        WarnOfDamaged(images.Measured);
        if (found.Chosen is not null)
        {
            byte[] recipe = JsonOutput.ForFile(RecipeDocument.Of(found.Chosen.Recipe));
            AtomicFile.Write(output, stream => stream.Write(recipe));
        }
        if (found.Chosen is not null && target.Notice is { } notice)
            Warn(notice);
        bool segments = model.Config is IDenseConfig;
        return new SearchResult(
            model.Reference, model.Config.Family, settings.Budget.ToString(),
            settings.Goal.ToString().ToLowerInvariant(), images.CalibrationDescription, images.Drawn.Count,
            images.DataDescription!, found.ChoosingImages, found.ReportingImages, classes,
            settings.Threads == 0 ? Environment.ProcessorCount : settings.Threads,
            segments ? null : found.FloatChoosing, segments ? found.FloatChoosing : null,
            segments ? null : found.FloatReporting, segments ? found.FloatReporting : null,
            found.FloatBytes, found.FloatMs, found.Front, found.Uniform, found.Chosen, found.BestUniform, found.Nearest,
            found.Tried, found.Resumed, Stopwatch.GetElapsedTime(started).TotalSeconds,
            found.Chosen is null ? null : output);
    }

    private SearchSettings Settings(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        SearchBudget budget = arguments.GetRequiredValue(_budget)!;
        SearchMeasure? goal = arguments.GetValue(_minimize);
        if (goal is not null && budget.Measure != SearchMeasure.Drop)
            throw new BitisException($"With '{budget}' the drop is minimized: leave --minimize out.");
        return new SearchSettings(
            budget, budget.Measure == SearchMeasure.Drop ? goal ?? SearchMeasure.Latency : SearchMeasure.Drop,
            Given(arguments, _methods, Usual.Methods))
        {
            Bits = Given(arguments, _bits, Usual.Bits),
            Scopes = Given(arguments, _scopes, Usual.Scopes),
            BatchSize = Batch(arguments),
            Threads = Threads(arguments),
            Seed = Seed(arguments),
            WorkFolder = arguments.GetValue(_work),
            Progress = progress,
        };
    }

    private DryRunResult Plan(
        LoadedModel model, SearchSettings settings, SearchSpace space, ChoosingImages images)
    {
        SearchAnswers.RequireLabels(model.Float!, images.Measured);
        int alone = settings.Methods.Count * space.Choices.Sum(list => list.Count - 1);
        int mixtures = settings.Methods.Count * MethodSearch.MostMixtures(space);
        int reporting = images.Measured.Count / 2, choosing = images.Measured.Count - reporting;
        int partImages = Math.Min(SearchSettings.PartImages, choosing);
        // What only estimates ranges is quantized once for all bits; other methods for each recipe.
        long calibrations = settings.Methods.Sum(method =>
        {
            var recipe = new Recipe { Method = method, Scope = settings.Scopes.Max() };
            long times = recipe.Behavior.Learning is null
                ? settings.Bits.Count
                : (alone + mixtures) / settings.Methods.Count;
            return times * DryRunResult.Passes(recipe, images.Drawn.Count);
        });
        return DryRunResult.For(
            model,
            [
                $"time the operations of {space.Timed.Count * settings.Methods.Count} models",
                $"quantize {alone} choices of {space.Parts.Count} parts alone, each on {partImages} images",
                $"measure at most {mixtures} recipes on the {choosing} images that choose",
                $"measure the chosen one and its rival on the {reporting} images that report",
            ],
            MixtureSearch.Runs(space, settings, choosing, reporting), images.Drawn.Count * calibrations,
            settings.Threads, Context.Cancellation);
    }

    private static IReadOnlyList<T> Given<T>(ParseResult arguments, Option<T[]?> option, IReadOnlyList<T> otherwise) =>
        arguments.GetValue(option) is { Length: > 0 } values ? values : otherwise;

    private static SearchMeasure? ParseGoal(string text) => text switch
    {
        "latency" => SearchMeasure.Latency,
        "size" => SearchMeasure.Size,
        _ => throw new BitisException($"--minimize takes latency or size, not '{text}'."),
    };

    private static BitWidths ParseBits(string text) => BitWidths.Parse(text) is var bits && bits != BitWidths.None
        ? bits
        : throw new BitisException("--bits are those of quantized parts; float32 is always a choice besides.");
}
