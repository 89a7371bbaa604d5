using System.CommandLine;
using System.Diagnostics;
using Bitis.Analysis.Results;
using Bitis.Analysis.Sensitivity;
using Bitis.Cli.Input;
using Bitis.Cli.Output.Results;
using Bitis.Cli.Output.Results.Choosing;
using Bitis.Evaluation;
using Bitis.Files;
using Bitis.Graphs;
using Bitis.Models.Segmentation;
using Bitis.Quantization.Recipes;

namespace Bitis.Cli.Commands.Choosing;

/// <summary><c>bitis sensitivity</c>: ranks the sites of a model by what quantizing them does to its answers.</summary>
internal sealed class SensitivityCommand : ChoosingCommand
{
    private const int UsualImages = 256, UsualMaps = 32;

    private static readonly int UsualExact = new SensitivityOptions().ExactSites;

    private readonly RecipeOptionSet _recipe;
    private readonly Option<int?> _exact = CommonOptions.Parsed<int?>(
        "--exact",
        $"How many sites, the highest scores first, are also quantized alone and left alone: a number, or all. "
        + $"[default: {UsualExact}]",
        ParseExact, "N|all");

    private readonly Option<string?> _work = CommonOptions.Path(
        "--work", "A folder for finished sites: the same command resumes from there.", "FOLDER");

    /// <summary>Creates the command.</summary>
    public SensitivityCommand(CliContext context)
        : base(
            "sensitivity",
            "Ranks a model's sites (weights, inputs, and what is inside of scans) by what their quantization does to "
            + "the answers.",
            "bitis sensitivity vim_t.pth --calibration photos/ --scope ssm --bits w4a8 --exact 20",
            context, needsData: false, takesMaps: true)
    {
        Options.Add(_exact);
        Options.Add(_work);
        _recipe = new RecipeOptionSet(this, takesSeveralBits: true);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        long started = Stopwatch.GetTimestamp();
        IReadOnlyList<Recipe> recipes = _recipe.ReadEach(arguments);
        foreach (Recipe recipe in recipes)
            recipe.Validate();
        string? work = arguments.GetValue(_work);
        if (work is not null)
            OutputFolder.RequireWritable(work, "the folder for finished sites");
        LoadedModel model = LoadFloat(arguments, progress);
        foreach (Recipe recipe in recipes)
        {
            SiteAnalysis.RequireSupported(model.Float!, recipe);
            _ = new SiteSelection(recipe, model.Float!.Folded().Graph);
        }
        using ChoosingImages images = OpenImages(arguments, model, progress);
        ImageSource measured = HasLimit(arguments)
            ? images.Measured
            : images.Measured.Take(model.Config is IDenseConfig ? UsualMaps : UsualImages, Seed(arguments));
        int threads = Threads(arguments), wanted = arguments.GetValue(_exact) ?? UsualExact;
        string? classes = model.Config is IDenseConfig
            ? null
            : ClassMap.Describe(measured, model.Config.Classes, model.ClassNames);
        if (IsDryRun(arguments))
            return Plan(model, recipes, images, measured, wanted, threads);
        SiteRanking ranking = SensitivityAnalysis.Run(
            model.Float!, images.Calibration, measured, recipes[0],
            new SensitivityOptions
            {
                OtherBits = [.. recipes.Skip(1).Select(recipe => recipe.Bits)],
                ExactSites = wanted,
                BatchSize = Batch(arguments),
                Threads = threads,
                Seed = Seed(arguments),
                WorkFolder = work,
                Progress = progress,
            },
            Context.Cancellation);
        WarnOfDamaged(measured);
        return new SensitivityResult(
            model.Reference, model.Config.Family, recipes[0], images.CalibrationDescription, images.Drawn.Count,
            images.DataDescription, ranking.Images, ranking.Labeled, classes, ranking.Float.Top1,
            ranking.Float.MeanIou, ranking.All[0],
            [.. recipes.Select((recipe, i) => new WidthEffect(recipe.Bits, ranking.All[i]))], ranking.Sites,
            ranking.RankCorrelation, ranking.Exact, ranking.Resumed, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private DryRunResult Plan(
        LoadedModel model, IReadOnlyList<Recipe> recipes, ChoosingImages images, ImageSource measured, int wanted,
        int threads)
    {
        Graph graph = model.Float!.Folded().Graph;
        int sites = recipes.SelectMany(recipe => SiteList.Of(new SiteSelection(recipe, graph)))
            .DistinctBy(site => (site.Name, site.Bits)).Count();
        int exact = Math.Min(wanted, sites), count = recipes.Count;
        return DryRunResult.For(
            model,
            [
                $"quantize with {images.Drawn.Count} images"
                    + (count == 1 ? "" : $", with each of {string.Join(", ", recipes.Select(recipe => recipe.Bits))}"),
                $"score {sites} sites by gradients",
                $"run {exact} of them exactly, twice, on {measured.Count} images",
            ],
            measured.Count * ((2L * exact) + (3 * count)),
            images.Drawn.Count * recipes.Sum(recipe =>
                DryRunResult.Passes(recipe, images.Drawn.Count) + (5L * SiteAnalysis.Draws(images.Drawn.Count))),
            threads, Context.Cancellation);
    }

    private static int? ParseExact(string text) => text == "all"
        ? int.MaxValue
        : int.TryParse(text, out int count) && count >= 0
            ? count
            : throw new BitisException($"--exact takes a whole number of at least 0, or 'all', not '{text}'.");
}
