using System.Security.Cryptography;
using System.Text;
using Bitis.Analysis.Search.Measures;
using Bitis.Analysis.Search.Mixtures;
using Bitis.Models;

namespace Bitis.Analysis.Search;

/// <summary>Finds the mixture of bits, scopes and method that keeps a budget and costs least.</summary>
/// <remarks>
/// <code>
///   operations timed ──► milliseconds of each choice of each part ─┐
///   parts alone ──────► bytes, and loss on images that choose ─────┴─► front ──► mixtures measured
///   front and uniform recipes timed as a whole ──► chosen ──► measured on the images that report
/// </code>
/// </remarks>
/// <param name="model">The float model.</param>
/// <param name="calibration">The images that calibrate.</param>
/// <param name="images">The images that choose and report.</param>
/// <param name="settings">What is searched.</param>
internal sealed class MixtureSearch(
    VisionModel model, CalibrationSet calibration, DisjointSets images, SearchSettings settings)
{
    /// <summary>The most points of a front that are timed.</summary>
    private const int MostTimed = 16;

    /// <summary>How many images pass through models at most, beside those that calibrate.</summary>
    public static long Runs(SearchSpace space, SearchSettings settings, int choosing, int reporting)
    {
        long alone = space.Choices.Sum(list => list.Count - 1L) + 1, methods = settings.Methods.Count;
        return (methods * alone * Math.Min(SearchSettings.PartImages, choosing))
            + (((methods * MethodSearch.MostMixtures(space)) + 1L) * choosing)
            + (3L * reporting);
    }

    /// <summary>Searches.</summary>
    /// <param name="progress">Receives the progress.</param>
    /// <param name="cancellationToken">Ends the work; finished runs stay in the folder.</param>
    /// <exception cref="BitisException">The model, the images or the folder cannot be used.</exception>
    public SearchOutcome Run(IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        VisionModel folded = model.Folded();
        var space = new SearchSpace(folded.Graph, settings.Bits, settings.Scopes);
        var folder = new SearchFolder(settings.WorkFolder, settings.WorkFolder is null ? "" : Identity());
        SearchAnswers choosing = Answers(images.Choosing);
        SearchAnswers? ofParts = null;
        var searches = new List<MethodSearch>();
        foreach (string method in settings.Methods)
        {
            var models = new MixedModels(folded, calibration, space, method, settings.Threads);
            searches.Add(new MethodSearch(
                folded, models, method, settings, space, choosing,
                () => ofParts ??= Answers(images.Choosing.Take(SearchSettings.PartImages, settings.Seed)), folder,
                progress, cancellationToken));
            searches[^1].Run();
        }
        SearchPoint[] all = [.. searches.SelectMany(search => search.Points)];
        (SearchPoint[] front, SearchPoint[] uniform, double floatMs) = Timed(all);
        SearchPoint? chosen = settings.Best([.. uniform, .. front]), rival = settings.Best(uniform);
        double? floatReporting = null;
        if (chosen is not null)
            (chosen, rival, floatReporting, floatMs) = Report(chosen, rival);
        return new SearchOutcome(
            front, uniform, chosen, rival,
            front.Concat(uniform).MinBy(point => point.Value(settings.Budget.Measure))!)
        {
            FloatChoosing = choosing.FloatScore,
            FloatReporting = floatReporting,
            FloatMs = floatMs,
            Tried = all.Length,
            Resumed = folder.Resumed,
        };

        SearchAnswers Answers(ImageSource source) => SearchAnswers.Create(
            model, source, settings.BatchSize, settings.Threads, progress, cancellationToken);

        QuantizedModel ModelOf(SearchPoint point) =>
            searches[settings.Methods.Index().First(entry => entry.Item == point.Recipe.Method).Index]
                .Models.Create(point.Mixture, progress, cancellationToken);

        (SearchPoint[] Front, SearchPoint[] Uniform, double FloatMs) Timed(SearchPoint[] points)
        {
            SearchPoint[] uniforms = [.. points.Where(point => point.IsUniform)];
            SearchPoint[] mixed = FrontOf(points);
            // What is nearest to the budget matters most.
            SearchPoint[] wanted =
            [
                .. mixed.OrderBy(point => Math.Abs(
                    point.Value(settings.Budget.Measure) - settings.Budget.Limit)).Take(MostTimed),
                .. uniforms,
            ];
            wanted = [.. wanted.Distinct()];
            IReadOnlyList<double> times = LatencyTable.OfWholes(
                folded, [.. wanted.Select(ModelOf)], settings.Threads, progress, cancellationToken);
            SearchPoint[] timed = [.. wanted.Select((point, i) => point with { LatencyMs = times[i + 1] })];
            return (FrontOf(timed), [.. timed.Where(point => point.IsUniform)], times[0]);
        }

        (SearchPoint Chosen, SearchPoint? Rival, double FloatScore, double FloatMs) Report(
            SearchPoint best, SearchPoint? uniformOne)
        {
            SearchPoint[] two = uniformOne is null || uniformOne == best ? [best] : [best, uniformOne];
            QuantizedModel[] models = [.. two.Select(ModelOf)];
            IReadOnlyList<double> times = LatencyTable.OfWholes(
                folded, models, settings.Threads, progress, cancellationToken);
            SearchAnswers reporting = Answers(images.Reporting);
            SearchPoint[] measured =
            [
                .. two.Select((point, i) => point with
                {
                    LatencyMs = times[i + 1],
                    Reporting = reporting.Measure(models[i], cancellationToken),
                }),
            ];
            return (
                measured[0], uniformOne is null ? null : measured[^1], reporting.FloatScore, times[0]);
        }
    }

    /// <summary>The points of which none is as cheap with a smaller drop.</summary>
    private SearchPoint[] FrontOf(IEnumerable<SearchPoint> points) =>
        [.. ParetoFront.Of(points, point => point.Value(settings.Cost), point => point.Value(SearchMeasure.Drop))];

    /// <summary>A digest of everything that runs depend on, beside what they run.</summary>
    private string Identity()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendModel(model);
        hash.AppendData(Encoding.UTF8.GetBytes($"{images.Digest} {settings.Seed}"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
