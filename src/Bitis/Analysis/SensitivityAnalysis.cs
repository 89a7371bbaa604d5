using Bitis.Analysis.Results;
using Bitis.Analysis.Sensitivity;
using Bitis.Files;

namespace Bitis;

/// <summary>Ranks the sites of a model by what their quantization does to its answers.</summary>
/// <remarks>
/// A site is a tensor that a recipe quantizes: the weight or the input of a layer, or a part of a scan. One backward
/// pass over the calibration images scores all sites; exact runs confirm the highest scores.
/// </remarks>
public static class SensitivityAnalysis
{
    /// <summary>Quantizes a model, and ranks its sites.</summary>
    /// <param name="model">The float model, which classifies images or pixels; it is not changed.</param>
    /// <param name="calibration">The calibration set, which also gives the scores.</param>
    /// <param name="images">
    /// The images of exact runs, which are kept in memory: some hundred, or 32 for a model that segments. Labels are
    /// not needed.
    /// </param>
    /// <param name="recipe">How to quantize, by a method that only estimates ranges.</param>
    /// <param name="options">How to run the work; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the work; finished sites stay in the work folder.</param>
    /// <exception cref="BitisException">
    /// The model gives poses, the recipe's method learns or rotates, the recipe or the images do not fit the model, or
    /// the work folder cannot be used.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">A number of the options is out of range.</exception>
    public static SiteRanking Run(
        VisionModel model,
        CalibrationSet calibration,
        ImageSource images,
        Recipe recipe,
        SensitivityOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(calibration);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(recipe);
        options ??= new SensitivityOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.BatchSize, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.ExactSites, nameof(options));
        if (options.WorkFolder is { } folder)
            OutputFolder.RequireWritable(folder, "the work folder");
        SiteAnalysis.RequireSupported(model, recipe);
        Recipe[] recipes =
            [.. options.OtherBits.Prepend(recipe.Bits).Distinct().Select(bits => recipe with { Bits = bits })];
        var analyses = new List<SiteAnalysis>();
        try
        {
            foreach (Recipe each in recipes)
            {
                QuantizedModel quantized = PostTrainingQuantizer.Quantize(
                    model, calibration, each,
                    new QuantizationOptions { Threads = options.Threads, Progress = options.Progress },
                    cancellationToken);
                analyses.Add(new SiteAnalysis(
                    model, quantized, images, options.BatchSize, options.Threads, options.Seed, cancellationToken));
            }
            ScoredSite[] ranked = Rank(analyses, calibration, options.Progress, cancellationToken);
            AnswerEffect[] all = [.. analyses.Select(analysis => analysis.Effect((_, _) => true, cancellationToken))];
            (Dictionary<ScoredSite, ExactEffects> exact, int resumed) = Confirm(
                ranked[..Math.Min(options.ExactSites, ranked.Length)],
                analysis => options.WorkFolder is null || recipes.Length == 1
                    ? options.WorkFolder
                    : Path.Combine(options.WorkFolder, $"{recipes[analyses.IndexOf(analysis)].Bits}"),
                options.Progress, cancellationToken);
            ScoredSite[] compared = [.. exact.Keys.Where(each => each.Score.Score is not null)];
            return new SiteRanking(
                [
                    .. ranked.Select(
                        each => SiteSensitivity.Of(each.Site, each.Score, exact.GetValueOrDefault(each))),
                ],
                analyses[0].Float, all, analyses[0].Counts.Images, analyses[0].Counts.Labeled,
                RankCorrelation.Of(
                    [.. compared.Select(each => each.Score.Score!.Value)],
                    [.. compared.Select(each => -(exact[each].Alone.LogitSnrDb ?? double.MaxValue))]),
                exact.Count, resumed);
        }
        finally
        {
            analyses.ForEach(analysis => analysis.Dispose());
        }
    }

    /// <summary>Scores sites, the highest first. A site that has the same bits in two recipes is there once.</summary>
    private static ScoredSite[] Rank(
        List<SiteAnalysis> analyses, CalibrationSet calibration, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        var all = new List<ScoredSite>();
        foreach (SiteAnalysis analysis in analyses)
        {
            IReadOnlyDictionary<QuantizedSite, SiteScore> scores =
                analysis.Score(calibration, progress, cancellationToken);
            all.AddRange(analysis.Sites.Select(site => new ScoredSite(analysis, site, scores[site])));
        }
        return
        [
            .. all.DistinctBy(each => (each.Site.Name, each.Site.Bits))
                .OrderByDescending(each => each.Score.Score ?? double.MaxValue),
        ];
    }

    private static (Dictionary<ScoredSite, ExactEffects> Exact, int Resumed) Confirm(
        ScoredSite[] sites, Func<SiteAnalysis, string?> folderOf, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        var folders = new Dictionary<SiteAnalysis, SensitivityFolder?>();
        var exact = new Dictionary<ScoredSite, ExactEffects>();
        int resumed = 0;
        foreach (ScoredSite each in sites)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!folders.TryGetValue(each.Analysis, out SensitivityFolder? folder))
            {
                folder = folderOf(each.Analysis) is { } path
                    ? new SensitivityFolder(path, each.Analysis.Identity())
                    : null;
                folders.Add(each.Analysis, folder);
            }
            ExactEffects? kept = folder?.Load(each.Site);
            resumed += kept is null ? 0 : 1;
            exact.Add(each, kept ?? each.Analysis.Try(each.Site, cancellationToken));
            if (kept is null)
                folder?.Save(each.Site, exact[each]);
            progress?.Report(new WorkProgress("exact runs", exact.Count, sites.Length, each.Site.Name));
        }
        return (exact, resumed);
    }

    /// <summary>A site with its score.</summary>
    private sealed record ScoredSite(SiteAnalysis Analysis, QuantizedSite Site, SiteScore Score);
}
