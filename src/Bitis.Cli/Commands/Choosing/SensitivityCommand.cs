using System.CommandLine;
using System.Diagnostics;
using Bitis.Analysis.Sensitivity;
using Bitis.Cli.Input;
using Bitis.Cli.Output.Results;
using Bitis.Cli.Output.Results.Choosing;
using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Files;
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
        _recipe = new RecipeOptionSet(this);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        long started = Stopwatch.GetTimestamp();
        Recipe recipe = _recipe.Read(arguments);
        recipe.Validate();
        string? work = arguments.GetValue(_work);
        if (work is not null)
            OutputFolder.RequireWritable(work, "the folder for finished sites");
        LoadedModel model = LoadFloat(arguments, progress);
        SensitivityAnalysis.RequireSupported(model.Float!, recipe);
        _ = new SiteSelection(recipe, model.Float!.Folded().Graph);
        using ChoosingImages images = OpenImages(arguments, model, progress);
        ImageSource measured = HasLimit(arguments)
            ? images.Measured
            : images.Measured.Take(model.Config is IDenseConfig ? UsualMaps : UsualImages, Seed(arguments));
        int threads = Threads(arguments), wanted = arguments.GetValue(_exact) ?? UsualExact;
        string? classes = model.Config is IDenseConfig
            ? null
            : ClassMap.Describe(measured, model.Config.Classes, model.ClassNames);
        if (IsDryRun(arguments))
            return Plan(model, recipe, images, measured, wanted, threads);
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            model.Float!, images.Calibration, recipe,
            new QuantizationOptions { Threads = threads, Progress = progress }, Context.Cancellation);
        using var analysis = new SensitivityAnalysis(
            model.Float!, quantized, measured, Batch(arguments), threads, Seed(arguments), Context.Cancellation);
        IReadOnlyDictionary<QuantizedSite, SiteScore> scores =
            analysis.Score(images.Calibration, progress, Context.Cancellation);
        QuantizedSite[] ranked = [.. analysis.Sites.OrderByDescending(site => scores[site].Score ?? double.MaxValue)];
        AnswerEffect all = analysis.Effect((_, _) => true, Context.Cancellation);
        (Dictionary<QuantizedSite, ExactEffects> exact, int resumed) =
            Confirm(analysis, ranked[..Math.Min(wanted, ranked.Length)], work, progress);
        WarnOfDamaged(measured);
        QuantizedSite[] compared = [.. exact.Keys.Where(site => scores[site].Score is not null)];
        return new SensitivityResult(
            model.Reference, model.Config.Family, recipe, images.CalibrationDescription, images.Drawn.Count,
            images.DataDescription, analysis.Counts.Images, analysis.Counts.Labeled, classes, analysis.Float.Top1,
            analysis.Float.MeanIou, Effect(all)!,
            [
                .. ranked.Select(site => new SiteSensitivity(
                    site.Name, site.Node.Name, site.KindName, site.Node.Block, site.Bits, scores[site].Score,
                    scores[site].SnrDb, Effect(exact.GetValueOrDefault(site)?.Alone),
                    Effect(exact.GetValueOrDefault(site)?.LeftAlone))),
            ],
            RankCorrelation.Of(
                [.. compared.Select(site => scores[site].Score!.Value)],
                [.. compared.Select(site => -(exact[site].Alone.LogitSnrDb ?? double.MaxValue))]),
            exact.Count, resumed, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private (Dictionary<QuantizedSite, ExactEffects> Exact, int Resumed) Confirm(
        SensitivityAnalysis analysis, QuantizedSite[] sites, string? work, IProgress<WorkProgress> progress)
    {
        SensitivityFolder? folder = work is null ? null : new SensitivityFolder(work, analysis.Identity());
        var exact = new Dictionary<QuantizedSite, ExactEffects>();
        int resumed = 0;
        foreach (QuantizedSite site in sites)
        {
            Context.Cancellation.ThrowIfCancellationRequested();
            ExactEffects? kept = folder?.Load(site);
            resumed += kept is null ? 0 : 1;
            exact.Add(site, kept ?? analysis.Try(site, Context.Cancellation));
            if (kept is null)
                folder?.Save(site, exact[site]);
            progress.Report(new WorkProgress("exact runs", exact.Count, sites.Length, site.Name));
        }
        return (exact, resumed);
    }

    private DryRunResult Plan(
        LoadedModel model, Recipe recipe, ChoosingImages images, ImageSource measured, int wanted, int threads)
    {
        var selection = new SiteSelection(recipe, model.Float!.Folded().Graph);
        int sites = selection.Layers.Sum(
            layer => (layer.Bits.Weights == BitWidths.Float ? 0 : 1)
                + (layer.Bits.Activations == BitWidths.Float ? 0 : 1))
            + (selection.Scans.Count * SiteList.OfScans.Count);
        int exact = Math.Min(wanted, sites);
        return DryRunResult.For(
            model,
            [
                $"quantize with {images.Drawn.Count} images", $"score {sites} sites by gradients",
                $"run {exact} of them exactly, twice, on {measured.Count} images",
            ],
            measured.Count * ((2L * exact) + 3),
            images.Drawn.Count * (DryRunResult.Passes(recipe, images.Drawn.Count) + 5L), threads, Context.Cancellation);
    }

    private static SiteEffect? Effect(AnswerEffect? effect) =>
        effect is null ? null : new SiteEffect(effect.LogitSnrDb, effect.SameTop1, effect.Top1, effect.MeanIou);

    private static int? ParseExact(string text) => text == "all"
        ? int.MaxValue
        : int.TryParse(text, out int count) && count >= 0
            ? count
            : throw new BitisException($"--exact takes a whole number of at least 0, or 'all', not '{text}'.");
}
