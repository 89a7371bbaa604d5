using System.CommandLine;
using System.Diagnostics;
using Bitis.Analysis.Sensitivity;
using Bitis.Cli.Input;
using Bitis.Cli.Output.Results;
using Bitis.Cli.Output.Results.Choosing;
using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Files;
using Bitis.Graphs;
using Bitis.Models.Segmentation;
using Bitis.Quantization.Recipes;

namespace Bitis.Cli.Commands.Choosing;

/// <summary><c>bitis sensitivity</c>: ranks the sites of a model by what quantizing them does to its answers.</summary>
internal sealed class SensitivityCommand : ChoosingCommand
{
    private const int UsualImages = 256, UsualMaps = 32, UsualExact = 10;

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
            SensitivityAnalysis.RequireSupported(model.Float!, recipe);
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
        var analyses = new List<SensitivityAnalysis>();
        try
        {
            foreach (Recipe recipe in recipes)
            {
                QuantizedModel quantized = PostTrainingQuantizer.Quantize(
                    model.Float!, images.Calibration, recipe,
                    new QuantizationOptions { Threads = threads, Progress = progress }, Context.Cancellation);
                analyses.Add(new SensitivityAnalysis(
                    model.Float!, quantized, measured, Batch(arguments), threads, Seed(arguments),
                    Context.Cancellation));
            }
            ScoredSite[] ranked = Rank(analyses, images.Calibration, progress);
            WidthEffect[] widths = [.. analyses.Select((analysis, i) => new WidthEffect(
                recipes[i].Bits, Effect(analysis.Effect((_, _) => true, Context.Cancellation))!))];
            (Dictionary<ScoredSite, ExactEffects> exact, int resumed) = Confirm(
                ranked[..Math.Min(wanted, ranked.Length)],
                analysis => work is null || analyses.Count == 1
                    ? work
                    : Path.Combine(work, $"{recipes[analyses.IndexOf(analysis)].Bits}"),
                progress);
            WarnOfDamaged(measured);
            ScoredSite[] compared = [.. exact.Keys.Where(site => site.Score.Score is not null)];
            return new SensitivityResult(
                model.Reference, model.Config.Family, recipes[0], images.CalibrationDescription, images.Drawn.Count,
                images.DataDescription, analyses[0].Counts.Images, analyses[0].Counts.Labeled, classes,
                analyses[0].Float.Top1, analyses[0].Float.MeanIou, widths[0].All, widths,
                [
                    .. ranked.Select(each => new SiteSensitivity(
                        each.Site.Name, each.Site.Node.Name, each.Site.KindName, each.Site.Node.Block, each.Site.Bits,
                        each.Score.Score, each.Score.SnrDb, Effect(exact.GetValueOrDefault(each)?.Alone),
                        Effect(exact.GetValueOrDefault(each)?.LeftAlone))),
                ],
                RankCorrelation.Of(
                    [.. compared.Select(site => site.Score.Score!.Value)],
                    [.. compared.Select(site => -(exact[site].Alone.LogitSnrDb ?? double.MaxValue))]),
                exact.Count, resumed, Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
        finally
        {
            analyses.ForEach(analysis => analysis.Dispose());
        }
    }

    /// <summary>Scores sites, the highest first. A site that has the same bits in two recipes is there once.</summary>
    private ScoredSite[] Rank(
        List<SensitivityAnalysis> analyses, CalibrationSet calibration, IProgress<WorkProgress> progress)
    {
        var all = new List<ScoredSite>();
        foreach (SensitivityAnalysis analysis in analyses)
        {
            IReadOnlyDictionary<QuantizedSite, SiteScore> scores =
                analysis.Score(calibration, progress, Context.Cancellation);
            all.AddRange(analysis.Sites.Select(site => new ScoredSite(analysis, site, scores[site])));
        }
        return
        [
            .. all.DistinctBy(each => (each.Site.Name, each.Site.Bits))
                .OrderByDescending(each => each.Score.Score ?? double.MaxValue),
        ];
    }

    private (Dictionary<ScoredSite, ExactEffects> Exact, int Resumed) Confirm(
        ScoredSite[] sites, Func<SensitivityAnalysis, string?> folderOf, IProgress<WorkProgress> progress)
    {
        var folders = new Dictionary<SensitivityAnalysis, SensitivityFolder?>();
        var exact = new Dictionary<ScoredSite, ExactEffects>();
        int resumed = 0;
        foreach (ScoredSite each in sites)
        {
            Context.Cancellation.ThrowIfCancellationRequested();
            (SensitivityAnalysis analysis, QuantizedSite site, _) = each;
            if (!folders.TryGetValue(analysis, out SensitivityFolder? folder))
            {
                folder = folderOf(analysis) is { } path ? new SensitivityFolder(path, analysis.Identity()) : null;
                folders.Add(analysis, folder);
            }
            ExactEffects? kept = folder?.Load(site);
            resumed += kept is null ? 0 : 1;
            exact.Add(each, kept ?? analysis.Try(site, Context.Cancellation));
            if (kept is null)
                folder?.Save(site, exact[each]);
            progress.Report(new WorkProgress("exact runs", exact.Count, sites.Length, site.Name));
        }
        return (exact, resumed);
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
                DryRunResult.Passes(recipe, images.Drawn.Count) + (5L * SensitivityAnalysis.Draws(images.Drawn.Count))),
            threads, Context.Cancellation);
    }

    private static SiteEffect? Effect(AnswerEffect? effect) =>
        effect is null ? null : new SiteEffect(effect.LogitSnrDb, effect.SameTop1, effect.Top1, effect.MeanIou);

    private static int? ParseExact(string text) => text == "all"
        ? int.MaxValue
        : int.TryParse(text, out int count) && count >= 0
            ? count
            : throw new BitisException($"--exact takes a whole number of at least 0, or 'all', not '{text}'.");

    /// <summary>A site with its score.</summary>
    private sealed record ScoredSite(SensitivityAnalysis Analysis, QuantizedSite Site, SiteScore Score);
}
