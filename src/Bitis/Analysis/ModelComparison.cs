using System.Diagnostics;
using Bitis.Analysis.Comparison;
using Bitis.Analysis.Results;
using Bitis.Evaluation;
using Bitis.Quantization.Recipes;

namespace Bitis;

/// <summary>Compares recipes: accuracy, agreement with the float model, size and latency, side by side.</summary>
/// <remarks>
/// Each latency is measured in turn with the float model's, so compare quotients of the two. Let nothing else compute
/// meanwhile.
/// </remarks>
public static class ModelComparison
{
    /// <summary>Quantizes a model with each recipe, and measures what becomes of it.</summary>
    /// <param name="model">The float model; it is not changed.</param>
    /// <param name="calibration">The calibration set.</param>
    /// <param name="images">
    /// The images to measure with; accuracy needs labels. They must stay open, and are read once for each recipe.
    /// </param>
    /// <param name="recipes">The recipes.</param>
    /// <param name="options">How to run the work; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The float model, then a model for each recipe in their order.</returns>
    /// <exception cref="BitisException">
    /// A recipe does not fit the model, the images' classes are not the model's, or an image is damaged.
    /// </exception>
    /// <exception cref="ArgumentException">There is no recipe, or a number of the options is not positive.</exception>
    public static IReadOnlyList<ComparedModel> Run(
        VisionModel model,
        CalibrationSet calibration,
        ImageSource images,
        IReadOnlyList<Recipe> recipes,
        ComparisonOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(calibration);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(recipes);
        if (recipes.Count == 0)
            throw new ArgumentException("There is no recipe to compare.", nameof(recipes));
        options ??= new ComparisonOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.BatchSize, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.LatencyRuns, nameof(options));
        RequireFitting(model, recipes);
        var comparison = new FloatComparison(
            model, images, options.BatchSize, options.Threads, options.Progress, cancellationToken);
        var rows = new List<ComparedModel>();
        var floatTimes = new List<Latency>();
        foreach (Recipe recipe in recipes)
        {
            options.Progress?.Report(
                new WorkProgress("quantizing and measuring", rows.Count, recipes.Count, recipe.ShortName));
            long started = Stopwatch.GetTimestamp();
            QuantizedModel quantized = PostTrainingQuantizer.Quantize(
                model, calibration, recipe, new QuantizationOptions { Threads = options.Threads }, cancellationToken);
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            ModelMeasures measures = comparison.Measure(quantized, progress: null, cancellationToken);
            (Latency latency, Latency original) = comparison.Time(
                quantized, options.Threads, options.LatencyRuns, cancellationToken);
            floatTimes.Add(original);
            rows.Add(ComparedModel.Of(
                recipe, measures, quantized.Save(Stream.Null, cancellationToken), latency, original, seconds));
        }
        Latency floatTime = floatTimes.OrderBy(time => time.Median).ElementAt(floatTimes.Count / 2);
        return
        [
            ComparedModel.Of(null, comparison.Float, model.WeightBytes, floatTime, floatTime, seconds: 0), .. rows,
        ];
    }

    /// <summary>Refuses recipes that cannot quantize a model, before anything is measured.</summary>
    /// <exception cref="BitisException">There is such a recipe.</exception>
    internal static void RequireFitting(VisionModel model, IEnumerable<Recipe> recipes)
    {
        VisionModel folded = model.Folded();
        foreach (Recipe recipe in recipes)
        {
            recipe.Validate();
            _ = new SiteSelection(recipe, folded.Graph);
        }
    }
}
