using Bitis.Analysis.Results;
using Bitis.Analysis.Search;
using Bitis.Analysis.Search.Measures;
using Bitis.Models.Segmentation;

namespace Bitis;

/// <summary>Finds a recipe that gives each part of each block bits of its own, under a budget.</summary>
/// <remarks>
/// One half of the images chooses, the other half only reports: the drop that is measured there is fair. Times are
/// those of this machine, so let nothing else compute meanwhile.
/// </remarks>
public static class RecipeSearch
{
    /// <summary>Searches.</summary>
    /// <param name="model">The float model, which classifies images or pixels; it is not changed.</param>
    /// <param name="calibration">The calibration set, made of images that are not among the others.</param>
    /// <param name="images">The images that choose and report, all with labels. They must stay open.</param>
    /// <param name="settings">What is searched, and how.</param>
    /// <param name="cancellationToken">Ends the work; finished runs stay in the work folder.</param>
    /// <exception cref="BitisException">
    /// The model gives poses, an image has no label or also calibrates, the settings contradict each other, or the
    /// work folder cannot be used.
    /// </exception>
    public static RecipeSearchResult Run(
        VisionModel model,
        CalibrationSet calibration,
        ImageSource images,
        SearchSettings settings,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(calibration);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(settings);
        settings.Validate();
        SearchAnswers.RequireSupported(model);
        SearchAnswers.RequireLabels(model, images);
        ImageSource calibrating = calibration.Images ?? throw new BitisException(
            "A search compares its images with those that calibrate: make the calibration set from images, not from "
            + "tensors.");
        var sets = DisjointSets.Split(
            calibrating, images, settings.Seed, settings.Threads, settings.Progress, cancellationToken);
        SearchOutcome found = new MixtureSearch(model, calibration, sets, settings).Run(
            settings.Progress, cancellationToken);
        bool segments = model.Config is IDenseConfig;
        return new RecipeSearchResult(
            [.. found.Front.Select(point => SearchedRecipe.Of(point, segments)!)],
            [.. found.Uniform.Select(point => SearchedRecipe.Of(point, segments)!)],
            SearchedRecipe.Of(found.Chosen, segments), SearchedRecipe.Of(found.BestUniform, segments),
            SearchedRecipe.Of(found.Nearest, segments)!)
        {
            ChoosingImages = sets.Choosing.Count,
            ReportingImages = sets.Reporting.Count,
            FloatChoosing = found.FloatChoosing,
            FloatReporting = found.FloatReporting,
            FloatBytes = model.WeightBytes,
            FloatMs = found.FloatMs,
            Tried = found.Tried,
            Resumed = found.Resumed,
        };
    }
}
